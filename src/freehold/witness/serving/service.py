# SPDX-License-Identifier: Apache-2.0
"""A witness without its listener: takes the bytes of a request, gives those of the answer.

What was cosigned last is compared, replaced on disk and only then answered, for one request of a log at a time: no two
requests can make a witness go back. A log that has signed two trees of one size is told on, with both as evidence.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from freehold.errors import InvalidRequest, VerificationFailed
from freehold.signing.note import Signature, signature_line
from freehold.witness.protocol.request import AddCheckpoint, read_request
from freehold.witness.serving.judge import Ruling, judge
from freehold.witness.serving.logs import WatchedLog
from freehold.witness.serving.memory import Memory, hash_of

_log = logging.getLogger(__name__)

PLAIN = "text/plain; charset=utf-8"
SIZE = "text/x.tlog.size"  # §add-checkpoint

Cosign = Callable[[str], str]  # the text of a note -> our signature line for it, as of now


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is said over HTTP."""

    status: int
    body: str
    media: str = PLAIN


class Witness:
    """``logs`` gives those that are watched now, by origin. The methods block, and may be called in any thread."""

    def __init__(self, memory: Memory, logs: Callable[[], Mapping[str, WatchedLog]], cosign: Cosign) -> None:
        self._memory = memory
        self._logs = logs
        self._cosign = cosign
        self._guard = threading.Lock()  # protects _locks
        self._locks: dict[str, threading.Lock] = {}  # by origin: held from comparing with the last one to its successor

    def add_checkpoint(self, body: bytes) -> Answer:
        """§add-checkpoint."""
        try:
            request = read_request(body)
        except InvalidRequest as problem:
            return _refusal(400, problem.message)
        origin = request.checkpoint.origin
        log = self._logs().get(origin)
        if log is None:
            return _refusal(404, "this witness does not watch that log")
        try:
            signatures = log.signatures(request.note)
        except VerificationFailed as problem:
            return _refusal(403, problem.message)
        with self._lock_of(origin):
            return self._answer(request, signatures)

    def checkpoint(self, origin_hash: str) -> Answer:
        """§Monitor Retrieval Mechanism."""
        note = self._memory.note(origin_hash)
        if note is None:
            return _refusal(404, "this witness has cosigned no checkpoint of that log")
        return Answer(status=200, body=note.decode())

    def _answer(self, request: AddCheckpoint, signatures: tuple[Signature, ...]) -> Answer:
        new, latest = request.checkpoint, self._memory.latest(request.checkpoint.origin)
        verdict = judge(request, latest)
        signed = request.note.text + "\n" + "".join(map(_line, signatures))
        if verdict.splits:
            self._tell_on(new.origin, signed.encode())
        match verdict.ruling:
            case Ruling.CONFLICT:
                return Answer(status=409, body=f"{latest.size if latest else 0}\n", media=SIZE)
            case Ruling.COSIGN:
                line = self._cosign(request.note.text)
                try:
                    self._memory.keep(new.origin, (signed + line).encode())
                except OSError as exc:
                    _log.error("nothing can be cosigned, because the disk refuses: errno %s", exc.errno)
                    return _refusal(503, "this witness cannot remember the checkpoint now, so it does not cosign it")
                return Answer(status=200, body=line)
            case _:
                if verdict.ruling is Ruling.INCONSISTENT:
                    _log.warning("refused %s at %d: %s", new.origin, new.size, verdict.why)
                return _refusal(int(verdict.ruling), verdict.why)

    def _tell_on(self, origin: str, note: bytes) -> None:
        """§add-checkpoint: the witness MAY log the request, as it might be proof of log misbehavior. Here it is."""
        seen = self._memory.note(hash_of(origin)) or b""
        _log.critical("SPLIT VIEW: %s has signed two trees of one size; both are kept under evidence/", origin)
        self._memory.keep_evidence(origin, (seen, note))

    def _lock_of(self, origin: str) -> threading.Lock:
        with self._guard:
            return self._locks.setdefault(origin, threading.Lock())


def _refusal(status: int, why: str) -> Answer:
    return Answer(status=status, body=f"{why}\n")


def _line(signature: Signature) -> str:
    return signature_line(signature.name, signature.key_id, signature.signature)
