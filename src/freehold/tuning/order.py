# SPDX-License-Identifier: Apache-2.0
"""What the process that writes a model anew is told on its standard input, and the lines that it answers with."""

import re
from typing import Final

import msgspec

CANNOT: Final = 65  # EX_DATAERR: the model cannot be written so, and the last line says why
LACKS_SPACE: Final = 73  # EX_CANTCREAT: the disk is full

_STEP: Final = re.compile(rb"\[ *(\d{1,6})/ *(\d{1,6})\]")  # as llama-quantize says it as well
_REFUSED: Final = b"refused: "


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One model in, one out, by open descriptors. Without ``binary`` the gguf package writes it."""

    source_fd: int
    draft_fd: int
    format: str
    parent_pid: int
    folder: str  # the working folder, where nothing may be written
    largest_bytes: int  # of the draft
    binary: str = ""  # a llama-quantize
    threads: int = 1


def step_line(done: int, total: int) -> str:
    return f"[{done}/{total}]"


def refusal_line(why: str) -> str:
    return f"{_REFUSED.decode()}{why}"


def read_step(line: bytes) -> tuple[int, int] | None:
    """How many tensors are done, and of how many, if that is what a line says."""
    matched = _STEP.search(line)
    return (int(matched[1]), int(matched[2])) if matched else None


def read_refusal(line: bytes) -> str:
    """Why the model cannot be written so, if that is what a line says. Its words are this package's own."""
    return line.removeprefix(_REFUSED).decode("utf-8", "replace").strip() if line.startswith(_REFUSED) else ""
