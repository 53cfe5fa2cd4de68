# SPDX-License-Identifier: Apache-2.0
"""The formats that a model can be written in, as data, and which of its tensors change for one. Reads nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Tool(StrEnum):
    """What writes a model in another format."""

    ENGINE = "llama-quantize"  # of an engine that the estate has built
    PACKAGE = "gguf"  # the Python package


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """``file_type`` is general.file_type, ``tensor_type`` that of most tensors; None: only the engine's tool has it."""

    name: str
    file_type: int
    tensor_type: int | None
    bits: float  # of one weight, for the most


FORMATS: Final = {
    known.name: known
    for known in (
        Format(name="q8_0", file_type=7, tensor_type=8, bits=8.5),
        Format(name="q4_0", file_type=2, tensor_type=2, bits=4.5),
        Format(name="q4_1", file_type=3, tensor_type=3, bits=5.0),
        Format(name="q4_k_m", file_type=15, tensor_type=None, bits=5.0),
        Format(name="q5_0", file_type=8, tensor_type=6, bits=5.5),
        Format(name="q5_1", file_type=9, tensor_type=7, bits=6.0),
        Format(name="q4_k_s", file_type=14, tensor_type=None, bits=4.7),
        Format(name="q5_k_m", file_type=17, tensor_type=None, bits=5.8),
        Format(name="q6_k", file_type=18, tensor_type=None, bits=6.6),
        Format(name="iq4_nl", file_type=25, tensor_type=None, bits=4.6),
        Format(name="iq4_xs", file_type=30, tensor_type=None, bits=4.4),
    )
}
USUAL: Final = ("q8_0", "q4_0", "q4_1", "q4_k_m")  # tried where nobody says which

F32, F16, BF16, Q8_0 = 0, 1, 30, 8  # GGML's numbers of the types that are told apart here
_FLOATS: Final = frozenset({F32, F16, BF16})
_BLOCK: Final = 32  # weights that are written together in each format that the package writes
_HEADS: Final = frozenset({"token_embd.weight", "output.weight"})
_NEVER: Final = ("norm", "gate_inp", "pos_embd", "position_embd", "token_types", "ssm_", "time_mix", "rel_b")
_SPARE_BYTES: Final = 16 * 2**20  # for the header, which has the vocabulary


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """One row of a file's table. ``shape`` has the fastest dimension first, as the file has it."""

    name: str
    type: int
    shape: tuple[int, ...]

    @property
    def weights(self) -> int:
        product = 1
        for extent in self.shape:
            product *= extent
        return product


def new_types(tensors: Sequence[Tensor], wanted: int) -> tuple[int, ...]:
    """The type that each tensor is to have, in their order.

    What turns tokens into numbers and back stays at 8 bits or whatever it has: it costs most quality for least size.
    Small tensors, and those that engines want as they are, stay too; so do those in F32 of a file that is not F32.
    """
    weights = sum(tensor.weights for tensor in tensors)
    wide = sum(tensor.weights for tensor in tensors if tensor.type == F32) * 2 > weights
    return tuple(_new_type(tensor, wanted, wide=wide) for tensor in tensors)


def likely_size(parameters: int, kind: Format) -> int:
    """About how many bytes a model of so many weights takes in a format, rather too many than too few."""
    return int(parameters * kind.bits / 8 * 1.15) + _SPARE_BYTES


def largest_size(parameters: int, size_bytes: int) -> int:
    """What no format of a model of so many weights, and now of this size, comes to."""
    return max(2 * parameters, 2 * size_bytes) + _SPARE_BYTES


def candidates(asked: Iterable[str], have: str, tools: Iterable[Tool]) -> tuple[Format, ...]:
    """The formats to try: those asked for, else those of the usual ones that a tool makes; never what the model has."""
    wanted = tuple(FORMATS[name] for name in dict.fromkeys(asked))
    if not wanted:
        engine = Tool.ENGINE in tools
        wanted = tuple(kind for kind in map(FORMATS.__getitem__, USUAL) if engine or kind.tensor_type is not None)
    return tuple(kind for kind in wanted if kind.name != have.lower())


def _new_type(tensor: Tensor, wanted: int, *, wide: bool) -> int:
    fixed = (
        len(tensor.shape) < 2
        or not tensor.name.endswith(".weight")
        or any(part in tensor.name for part in _NEVER)
        or tensor.shape[0] % _BLOCK != 0
        or (tensor.type == F32 and not wide)
    )
    if fixed:
        return tensor.type
    if tensor.name in _HEADS:
        return Q8_0 if tensor.type in _FLOATS else tensor.type
    return wanted
