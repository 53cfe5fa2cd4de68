# SPDX-License-Identifier: Apache-2.0
"""What a witness's answers mean (c2sp.org/tlog-witness). Pure. What is not its protocol is of no use, and why."""

from dataclasses import dataclass

from freehold.egress.errand import Reply
from freehold.errors import VerificationFailed
from freehold.ledger.tree.checkpoint import Checkpoint, read_unverified
from freehold.signing.cosignature import Cosigner
from freehold.signing.note import Verifier, open_note, parse_note, signature_line
from freehold.witness.protocol.request import read_size

SIZE = "text/x.tlog.size"
_LAST_UNIX = 253_402_300_799  # the end of the year 9999: what comes later is no date


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosigned:
    """``lines`` are the witness's own, verified; each ends in a newline."""

    lines: str
    at_unix: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """The witness cosigned another size last than it was told."""

    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Inconsistent:
    """The witness does not see that our tree goes on from the one that it cosigned last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoUse:
    """No cosignature, and nothing that speaks against the log. ``why`` is for a person."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnessed:
    """A checkpoint that both the log and the witness have signed: proof of what the log once said."""

    checkpoint: Checkpoint
    note: bytes


Meaning = Cosigned | Conflict | Inconsistent | NoUse

_REFUSALS = {
    403: "it knows no key of this log that has signed",
    404: "it does not watch this log",
}


def read_answer(reply: Reply, note: bytes, cosigner: Cosigner) -> Meaning:
    """What was answered to add-checkpoint with this signed checkpoint."""
    match reply.status:
        case 200:
            return _read_cosignature(reply.body, note, cosigner)
        case 409:
            size = read_size(_text(reply.body).removesuffix("\n"))
            if size is None or reply.media != SIZE:
                return NoUse(why="it answered 409 without the size that it cosigned last")
            return Conflict(size=size)
        case 422:
            return Inconsistent()
        case status:
            return NoUse(why=_REFUSALS.get(status, f"it answered with status {status}"))


def read_monitored(reply: Reply, log: Verifier, cosigner: Cosigner) -> Witnessed | None:
    """The checkpoint that a witness shows to monitors; None unless log and witness have signed it."""
    if reply.status != 200:
        return None
    try:
        note = open_note(reply.body, [log])
        checkpoint = read_unverified(reply.body)
    except VerificationFailed:
        return None
    signed = any(
        (line.name, line.key_id) == (cosigner.name, cosigner.key_id) and cosigner.verified_at(note.text, line.signature)
        for line in note.signatures
    )
    if not signed or checkpoint.origin != log.name:
        return None
    return Witnessed(checkpoint=checkpoint, note=reply.body)


def _read_cosignature(body: bytes, note: bytes, cosigner: Cosigner) -> Meaning:
    """§add-checkpoint: "concatenate it to the checkpoint, and use a note verification function"."""
    try:
        parsed = parse_note(note.partition(b"\n\n")[0] + b"\n\n" + body)
    except VerificationFailed:
        return NoUse(why="it answered what are no signatures")
    if parsed.text != parse_note(note).text:  # an empty line in the answer makes text of what stands before it
        return NoUse(why="it answered what are no signatures")
    lines, times = [], []
    for line in parsed.signatures:
        if (line.name, line.key_id) != (cosigner.name, cosigner.key_id):
            continue  # "The client MUST ignore any cosignatures from unknown keys"
        at_unix = cosigner.verified_at(parsed.text, line.signature)
        if not at_unix or at_unix > _LAST_UNIX:
            return NoUse(why="its signature does not hold, or bears no time that there is")
        lines.append(signature_line(line.name, line.key_id, line.signature))
        times.append(at_unix)
    if not lines:
        return NoUse(why=f"it did not sign with the key {cosigner.name}+{cosigner.key_id.hex()}")
    return Cosigned(lines=lines[0], at_unix=times[0])


def _text(body: bytes) -> str:
    return body[:40].decode("ascii", errors="replace")
