# SPDX-License-Identifier: Apache-2.0
"""Logs with one defect each, as directories of files: what somebody does who may write every file, with or without key.

The sound one has 259 entries, so that there are full and partial bundles and tiles, and an upper tile. Of the others
only what differs is kept: ``lay`` lays it over the sound one.
"""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.attack.ledger.signing_by_hand import ELSEWHERE, OWN, THIEF, Hand, head, note
from tests.ledger_builder import act_bytes, admission_bytes, outcome_bytes

from freehold.ledger.tree.bundle import join_entries
from freehold.ledger.tree.growth import Edge, grow

Files = dict[str, bytes]
FULL, PARTIAL = "tile/entries/000", "tile/entries/001.p/3"
TILE, PARTIAL_TILE, UPPER = "tile/0/000", "tile/0/001.p/3", "tile/1/000.p/1"


def padding(number: int) -> bytes:
    """A short entry of a kind that no release knows."""
    return b'{"kind":"padding","n":%d,"v":1}' % number


ENTRIES = (
    admission_bytes("call-a"),
    act_bytes("act-a"),
    outcome_bytes(0, "call-a"),
    admission_bytes("call-refused", allowed=False),
    *(padding(number) for number in range(4, 257)),
    admission_bytes("call-b"),
    outcome_bytes(257, "call-b"),
)


def written(entries: Sequence[bytes], *, signer: Hand = OWN, size: int = -1, root: bytes = b"") -> Files:
    """A log of these entries, with a checkpoint of its own size and root or of another."""
    growth = grow(Edge(), entries)
    text = head(growth.edge.size if size < 0 else size, root or growth.edge.root, origin=signer.name)
    return {**dict(growth.files), "checkpoint": note(text, signer.line(text))}


def differences() -> dict[str, Files]:
    """Of every log what differs from ``sound``, by the name of its defect; an empty ``*.removed`` says what is gone."""
    whole = logs()
    sound = whole["sound"]
    return {
        defect: {path: data for path, data in files.items() if defect == "sound" or sound.get(path) != data}
        | {f"{path}.removed": b"" for path in sound.keys() - files.keys()}
        for defect, files in whole.items()
    }


def lay(assets: Path, defect: str, directory: Path) -> Path:
    """The whole log with this defect, in a directory that is not there yet."""
    shutil.copytree(assets / "sound", directory)
    if defect != "sound":
        shutil.copytree(assets / defect, directory, dirs_exist_ok=True)
    for marker in sorted(directory.rglob("*.removed")):
        marker.with_name(marker.stem).unlink()
        marker.unlink()
    return directory


def logs() -> dict[str, Files]:
    """Every log by the name of its defect; ``sound`` has none."""
    sound = written(ENTRIES)
    text, _, line = sound["checkpoint"].decode().rpartition("\n\n")
    first, second = split(sound[FULL]), split(sound[PARTIAL])
    return {
        "sound": sound,
        "entry-bit-flipped": changed(sound, FULL, lambda data: flipped(data, data.index(b"call-a"))),
        "entry-bit-flipped-in-partial-bundle": changed(sound, PARTIAL, lambda data: flipped(data, -3)),
        "entry-removed": {**sound, FULL: join_entries(first[:-1])},
        "entry-added": {**sound, PARTIAL: join_entries([*second, padding(0)])},
        "entries-swapped": {**sound, FULL: join_entries([first[0], first[2], first[1], *first[3:]])},
        "entry-of-another-call": {**sound, FULL: join_entries([admission_bytes("call-x"), *first[1:]])},
        "bundle-truncated": changed(sound, FULL, lambda data: data[:-1]),
        "bundle-truncated-in-a-length": changed(sound, FULL, lambda data: data + b"\x00"),
        "bundle-with-a-length-past-its-end": changed(sound, PARTIAL, lambda data: b"\xff" + data[1:]),
        "bundle-missing": without(sound, FULL),
        "partial-bundle-missing": without(sound, PARTIAL),
        "tile-bit-flipped": changed(sound, TILE, lambda data: flipped(data, 4000)),
        "tile-missing": without(sound, TILE),
        "tile-truncated": changed(sound, TILE, lambda data: data[:-32]),
        "partial-tile-bit-flipped": changed(sound, PARTIAL_TILE, lambda data: flipped(data, 64)),
        "partial-tile-with-half-a-hash": changed(sound, PARTIAL_TILE, lambda data: data + bytes(16)),
        "upper-tile-bit-flipped": changed(sound, UPPER, lambda data: flipped(data, 0)),
        "upper-tile-missing": without(sound, UPPER),
        "checkpoint-root-bit-flipped": {**sound, "checkpoint": note(flipped_root(text), line)},
        "checkpoint-signature-bit-flipped": {**sound, "checkpoint": note(text + "\n", line.replace("3", "4", 1))},
        "checkpoint-of-an-older-size": {**sound, "checkpoint": note(text.replace("\n259\n", "\n256\n") + "\n", line)},
        "checkpoint-of-another-origin": written(ENTRIES, signer=ELSEWHERE),
        "checkpoint-of-another-origin-by-our-key": {**sound, "checkpoint": _of_another_origin(text)},
        "checkpoint-of-a-wrong-key": written(ENTRIES, signer=THIEF),
        "checkpoint-unsigned": {**sound, "checkpoint": text.encode() + b"\n"},
        "checkpoint-empty": {**sound, "checkpoint": b""},
        "checkpoint-missing": without(sound, "checkpoint"),
        "root-forked": {**sound, "checkpoint": written([*ENTRIES[:-1], padding(258)])["checkpoint"]},
        "size-beyond-the-entries": written(ENTRIES, size=260),
        "size-beyond-all-numbers": written(ENTRIES, size=2**64),
        "size-zero-with-a-root": written((), root=bytes(32)),
        "minimum-index-beyond-the-size": {**sound, "minimum-index": b"260\n"},
        "minimum-index-not-a-number": {**sound, "minimum-index": b"0x10\n"},
        "two-outcomes-of-one-call": written([*ENTRIES, outcome_bytes(257, "call-b")]),
        "outcome-of-no-call": written([*ENTRIES, outcome_bytes(1, "act-a")]),
        "outcome-before-its-admission": written([outcome_bytes(1, "call-a"), admission_bytes("call-a")]),
        "entry-read-in-two-ways": written([admission_bytes("call-a").replace(b'"v":1', b'"v":1,"v":1')]),
    }


def heads() -> dict[str, bytes]:
    """Checkpoints to hold against each other: of the sound log, of what it was before, and of what it never was."""
    sound, fork = (*ENTRIES,), (*ENTRIES[:99], padding(0), *ENTRIES[100:])
    return {
        "newest": written(sound)["checkpoint"],
        "older": written(sound[:100])["checkpoint"],
        "empty": written(())["checkpoint"],
        "older-of-another-history": written(fork[:100])["checkpoint"],
        "newest-of-another-history": written(fork)["checkpoint"],
        "older-of-another-origin": written(sound[:100], signer=ELSEWHERE)["checkpoint"],
        "older-of-a-wrong-key": written(sound[:100], signer=THIEF)["checkpoint"],
        "empty-with-a-root": written((), root=bytes(32))["checkpoint"],
    }


def split(data: bytes) -> list[bytes]:
    entries = []
    while data:
        end = 2 + int.from_bytes(data[:2], "big")
        entries.append(data[2:end])
        data = data[end:]
    return entries


def flipped(data: bytes, at: int) -> bytes:
    copy = bytearray(data)
    copy[at] ^= 1
    return bytes(copy)


def changed(files: Files, path: str, change: Callable[[bytes], bytes]) -> Files:
    assert change(files[path]) != files[path]
    return {**files, path: change(files[path])}


def without(files: Files, path: str) -> Files:
    return {name: data for name, data in files.items() if name != path}


def flipped_root(text: str) -> str:
    origin, size, root = text.split("\n")
    return f"{origin}\n{size}\n{chr(ord(root[5]) ^ 1).join((root[:5], root[6:]))}\n"


def _of_another_origin(text: str) -> bytes:
    """Our key, under our name, over a head of another log."""
    other = text.replace(OWN.name, ELSEWHERE.name) + "\n"
    return note(other, OWN.line(other))
