# SPDX-License-Identifier: Apache-2.0
"""Reads a whole log from its files, from C2SP's tlog-tiles, and holds every tile against its definition there."""

from dataclasses import dataclass
from pathlib import Path

from tests.oracle.notes import Head, Key, open_note, read_head
from tests.oracle.refused import Refused
from tests.oracle.tree import leaf, mth


@dataclass(frozen=True)
class WholeLog:
    """A log that holds. ``signed`` are the keys whose signatures its checkpoint carries, with their timestamps."""

    head: Head
    entries: tuple[bytes, ...]
    leaves: tuple[bytes, ...]
    signed: dict[Key, int]


def read_log(directory: Path, keys: list[Key]) -> WholeLog:
    """The log under its checkpoint. Raises Refused if a file is missing, differs or does not parse."""
    text, signed = open_note(_read(directory / "checkpoint"), keys)
    head = read_head(text)
    if head.origin not in {key.name for key in signed if key.kind == 0x01}:
        raise Refused("the checkpoint is of another origin than the key")
    entries = tuple(
        entry
        for number in range(-(-head.size // 256))
        for entry in _entries(directory, number, min(256, head.size - 256 * number))
    )
    leaves = tuple(leaf(entry) for entry in entries)
    if mth(leaves) != head.root:
        raise Refused("the entries have another root than the checkpoint says")
    _check_tiles(directory, leaves)
    return WholeLog(head, entries, leaves, signed)


def number_path(number: int) -> str:
    """§Merkle Tree: three digits an element, all but the last behind an x."""
    digits = str(number)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join([f"x{part}" for part in parts[:-1]] + parts[-1:])


def partial_width(size: int, level: int) -> int:
    """§Partial Tiles: how many hashes the partial tile at a level has. 0: there is none."""
    return int(size // 256**level % 256)


def split_bundle(data: bytes) -> list[bytes]:
    """§Log entries: each behind its length, uint16, big-endian."""
    entries = []
    while data:
        length = int.from_bytes(data[:2], "big")
        if len(data) < 2 + length or len(data) < 2:
            raise Refused("the bundle ends within an entry")
        entries.append(data[2 : 2 + length])
        data = data[2 + length :]
    return entries


def _check_tiles(directory: Path, leaves: tuple[bytes, ...]) -> None:
    """Every tile, full and partial, is MTH(D[(n * 256 + i) * 256**l : (n * 256 + i + 1) * 256**l]) for its i."""
    level, hashes = 0, leaves
    while hashes:
        for number in range(-(-len(hashes) // 256)):
            expected = hashes[256 * number : 256 * (number + 1)]
            path = f"tile/{level}/{number_path(number)}"
            data, exact = _resource(directory, path, len(expected))
            if (data if exact else data[: 32 * len(expected)]) != b"".join(expected):
                raise Refused(f"{path} is not what the entries say")
        level += 1
        span = 256**level
        hashes = tuple(mth(leaves[at : at + span]) for at in range(0, len(leaves) - span + 1, span))


def _entries(directory: Path, number: int, width: int) -> list[bytes]:
    path = f"tile/entries/{number_path(number)}"
    data, exact = _resource(directory, path, width)
    entries = split_bundle(data)
    if len(entries) < width or (exact and len(entries) > width):
        raise Refused(f"{path} has {len(entries)} entries, not {width}")
    return entries[:width]


def _resource(directory: Path, path: str, width: int) -> tuple[bytes, bool]:
    """A tile or bundle, and whether it is of this very width: a full one may have taken a partial one's place."""
    partial = directory / f"{path}.p" / str(width)
    if width < 256 and partial.exists():
        return _read(partial), True
    return _read(directory / path), width == 256


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise Refused(f"{path.name} cannot be read") from exc
