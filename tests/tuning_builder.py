# SPDX-License-Identifier: Apache-2.0
"""A tiny model with numbers that can be rounded, and an engine that measures it by the size of its weights."""

import math
import struct
import sys
from pathlib import Path

from tests.gguf_builder import Gguf, Tensor, Value, number, sound_values, text

from freehold.engine.owned import Means
from freehold.engine.supervise import Patience

ROWS = (
    Tensor("token_embd.weight", (64, 40)),
    Tensor("blk.0.attn_norm.weight", (64,)),
    Tensor("blk.0.ffn_up.weight", (64, 96)),
    Tensor("blk.0.ffn_down.weight", (96, 64)),
    Tensor("output_norm.weight", (64,)),
)
FAKES = Means(
    worker=(sys.executable, "-I", "-m", "freehold.engine.fake"), patience=Patience(early_deaths=1, grace_s=2.0)
)


def tiny_model(*more: tuple[str, Value], without: str = "") -> bytes:
    """F32 throughout."""
    values = tuple(pair for pair in sound_values() if pair[0] != without)
    gguf = Gguf(values=(*values, *more), tensors=ROWS)
    head = gguf.header()
    content = head.ljust(-(-len(head) // gguf.alignment) * gguf.alignment, b"\0")
    for row in ROWS:
        count = row.size_bytes // 4
        floats = struct.pack(f"<{count}f", *(math.sin(place * 0.37 + len(row.name)) for place in range(count)))
        content += floats.ljust(-(-len(floats) // gguf.alignment) * gguf.alignment, b"\0")
    return content


def write_model(folder: Path, content: bytes | None = None) -> Path:
    path = folder / "Tiny.gguf"
    path.write_bytes(tiny_model() if content is None else content)
    return path


def embedding_model() -> bytes:
    return tiny_model(("llama.pooling_type", number(1)))


def licensed_model() -> bytes:
    """One whose licence wants a reason."""
    return tiny_model(("general.license", text("gemma")), without="general.license")


def exotic_model() -> bytes:
    """With a type of tensor that the vault knows and the gguf package does not: Q1_0, 18 bytes for 128 weights."""
    gguf = Gguf(tensors=(Tensor("blk.0.ffn_up.weight", (128, 16), kind=41),))
    head = gguf.header()
    return head.ljust(-(-len(head) // 32) * 32, b"\0") + bytes(18 * 16)
