# SPDX-License-Identifier: Apache-2.0
"""What a witness must answer, from C2SP's tlog-witness, §add-checkpoint, step by step in the order of the text."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.oracle.notes import Key, decimal, open_note, read_head, split, unbase64
from tests.oracle.refused import Refused
from tests.oracle.tree import EMPTY, check_consistency


@dataclass
class Witness:
    """``latest`` is the size and root that was cosigned last, by origin."""

    logs: dict[bytes, list[Key]]
    latest: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)

    def add_checkpoint(self, body: bytes) -> tuple[int, bytes]:  # noqa: PLR0911 - one for each rule
        """The status, and for 409 the body."""
        try:
            old_size, proof, note = _read(body)
            head = read_head(split(note)[0])
        except Refused:
            return 400, b""
        if head.origin not in self.logs:
            return 404, b""
        if not _is_signed(note, self.logs[head.origin]):
            return 403, b""
        if old_size > head.size:
            return 400, b""
        size, root = self.latest.get(head.origin, (0, EMPTY))
        if old_size != size:
            return 409, b"%d\n" % size
        try:
            check_consistency(old_size, root, head.size, head.root, proof)
        except Refused:
            return 422, b""
        self.latest[head.origin] = head.size, head.root
        return 200, b""


def _read(body: bytes) -> tuple[int, list[bytes], bytes]:
    before, empty, note = body.partition(b"\n\n")
    first, *lines = before.split(b"\n")
    if not empty or not first.startswith(b"old ") or len(lines) > 63:
        raise Refused("no request")
    proof = [unbase64(line) for line in lines]
    if any(len(one) != 32 for one in proof):
        raise Refused("a line that is no hash")
    return decimal(first.removeprefix(b"old ")), proof, note


def _is_signed(note: bytes, keys: Iterable[Key]) -> bool:
    try:
        open_note(note, keys)
    except Refused:
        return False
    return True
