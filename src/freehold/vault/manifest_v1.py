# SPDX-License-Identifier: Apache-2.0
"""Manifests of schema 1, as release 0.1 wrote them: one GGUF file each. Read for ever, never written again."""

import re
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

_DIGEST = r"^sha256:[0-9a-f]{64}\Z"
_PLAIN = re.compile(r"[^/\\\x00-\x1f\x7f]{1,200}\.gguf")

_Digest = Annotated[str, Meta(pattern=_DIGEST)]
_DigestOrNone = Annotated[str, Meta(pattern=r"^(sha256:[0-9a-f]{64})?\Z")]
_Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class ManifestV1(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model in one file."""

    name: str
    digest: _Digest
    size_bytes: _Count
    format: Literal["gguf"] = "gguf"
    title: str
    architecture: str
    parameters: _Count
    quantisation: str
    context_train_tokens: _Count
    chat_template_digest: _DigestOrNone
    tokenizer: str
    licence: str
    origin: str
    imported_at: str
    schema: Literal[1]

    @property
    def file_name(self) -> str:
        """What the file was called where it came from, as far as the origin tells."""
        last = re.split(r"[/!]", self.origin)[-1]
        return last if _PLAIN.fullmatch(last) else "model.gguf"


_MANIFEST_V1_DECODER: Final = msgspec.json.Decoder(ManifestV1)


def decode_v1(content: bytes) -> ManifestV1 | None:
    """Read a manifest; None if it is not one of schema 1 in its one spelling."""
    try:
        manifest = _MANIFEST_V1_DECODER.decode(content)
    except msgspec.MsgspecError:
        return None
    return manifest if msgspec.json.encode(manifest, order="sorted") + b"\n" == content else None
