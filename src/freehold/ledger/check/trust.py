# SPDX-License-Identifier: Apache-2.0
"""Whom a verifier trusts, c2sp.org/tlog-policy: which logs, which witnesses, and what quorum of them. Pure.

The verifier chooses it; nothing that is verified has a say in it. A policy that is not understood whole is refused
whole: to pass over a line of it would be to trust more than was meant.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from freehold.errors import TrustInvalid, VerificationFailed
from freehold.ledger.tree.checkpoint import Checkpoint, read_unverified
from freehold.signing.cosignature import Cosigner, parse_cosigner
from freehold.signing.note import KeyKind, Note, Verifier, open_vkey, parse_note, parse_vkey

NONE = b"none"  # §Defining the quorum
_MAX_POLICY_BYTES = 1 << 20
_MAX_OF_A_KIND = 1024  # §Implementation limits: at least 32
_FORBIDDEN = re.compile(rb"[^\t\n\x20-\x7e\x80-\xff]")  # §Character set
_SPACE = re.compile(rb"[ \t]+")
_THRESHOLD = re.compile(rb"[1-9][0-9]{0,3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """A known witness. ``name`` is the policy's own for it, as octets; its key has another."""

    name: bytes
    cosigner: Cosigner


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Has witnessed what at least ``threshold`` of its members have: witnesses, and groups defined before it."""

    name: bytes
    threshold: int
    members: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosignature:
    """That a witness of the policy cosigned, and when. ``name`` is the policy's, ``key`` is NAME+ID of its key."""

    name: bytes
    key: str
    at_unix: int

    @property
    def witness(self) -> str:
        """Its name for a person."""
        return _shown(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedCheckpoint:
    """A checkpoint that the policy accepts. ``log_key`` is NAME+ID of the key that signed it."""

    checkpoint: Checkpoint
    log_key: str
    cosignatures: tuple[Cosignature, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustPolicy:
    """Made by ``parse_policy`` and ``trust_log`` only. ``groups`` stand in the order of their definition."""

    logs: tuple[Verifier | Cosigner, ...]
    witnesses: tuple[Witness, ...] = ()
    groups: tuple[Group, ...] = ()
    quorum: bytes = NONE

    def open(self, note: bytes) -> TrustedCheckpoint:
        """The checkpoint, once a log of the policy has signed it and the quorum has cosigned it.

        A signature of a known key that does not hold refuses the whole note (signed-note §Signatures).
        Raises VerificationFailed.
        """
        opened = self.open_signed(note)
        witnessed = {cosignature.name for cosignature in opened.cosignatures}
        for group in self.groups:  # members are defined before their group, so that one pass is enough
            if sum(member in witnessed for member in group.members) >= group.threshold:
                witnessed.add(group.name)
        if self.asks_witnesses and self.quorum not in witnessed:
            cosigned = ", ".join(cosignature.witness for cosignature in opened.cosignatures) or "nobody"
            raise VerificationFailed(
                f"too few witnesses cosigned the checkpoint of size {opened.checkpoint.size}:"
                f" expected {self.told_quorum}, found {cosigned}",
                hint="Witnesses cosign a little later than the log signs: ask for it again, or for a newer one.",
            )
        return opened

    def open_signed(self, note: bytes) -> TrustedCheckpoint:
        """The same, whatever the quorum: for what the log alone says. Raises VerificationFailed."""
        parsed = parse_note(note)
        checkpoint = read_unverified(note)
        log_key = self._signed_by(parsed, checkpoint.origin)
        times = ((witness, _signed_at(witness.cosigner, parsed)) for witness in self.witnesses)
        cosignatures = tuple(
            Cosignature(name=witness.name, key=_key_name(witness.cosigner), at_unix=at_unix)
            for witness, at_unix in times
            if at_unix is not None
        )
        return TrustedCheckpoint(checkpoint=checkpoint, log_key=log_key, cosignatures=cosignatures)

    def knows(self, origin: str) -> bool:
        """Whether a log of this origin is trusted."""
        return any(log.name == origin for log in self.logs)

    @property
    def asks_witnesses(self) -> bool:
        return self.quorum != NONE

    @property
    def origins(self) -> str:
        """The logs that are trusted, for a person."""
        return " or ".join(sorted({repr(log.name) for log in self.logs})) or "no log at all"

    @property
    def told_quorum(self) -> str:
        """The quorum for a person: who must have cosigned."""
        if self.quorum == NONE:
            return "no witness"
        group = next((group for group in self.groups if group.name == self.quorum), None)
        if group is None:
            return _shown(self.quorum)
        return f"{group.threshold} of {', '.join(map(_shown, group.members))} (group {_shown(group.name)})"

    def _signed_by(self, note: Note, origin: str) -> str:
        """The key of the log that signed; a log signs for its own origin only (§Defining a log)."""
        signed = [log for log in self.logs if _signed_at(log, note) is not None]
        if not signed:
            found = ", ".join(f"{line.name}+{line.key_id.hex()}" for line in note.signatures)
            expected = " or ".join(map(_key_name, self.logs)) or "none, for the policy names no log"
            raise VerificationFailed(f"the checkpoint is not signed by a known key: expected {expected}, found {found}")
        for log in signed:
            if log.name == origin:
                return _key_name(log)
        raise VerificationFailed(f"the checkpoint is of {origin!r}, expected {self.origins}")


def trust_log(vkey: str) -> TrustPolicy:
    """The policy of who trusts one log by its key, and asks for no witness. Raises TrustInvalid."""
    return TrustPolicy(logs=(_log_key(vkey.encode()),))


def trust_in(trust: TrustPolicy | str) -> TrustPolicy:
    """A policy as it is; a log's verifier key as the policy that trusts it alone. Raises TrustInvalid."""
    return trust_log(trust) if isinstance(trust, str) else trust


def parse_policy(data: bytes) -> TrustPolicy:
    """Read a policy (§Policy file syntax and structure). Raises TrustInvalid, which names the line."""
    if len(data) > _MAX_POLICY_BYTES:
        raise TrustInvalid(f"the policy has {len(data)} bytes, expected at most {_MAX_POLICY_BYTES}")
    reader = _PolicyReader()
    for number, line in enumerate(data.split(b"\n"), 1):
        try:
            reader.read(line)
        except TrustInvalid as problem:
            raise TrustInvalid(f"line {number} of the policy: {problem.message}") from problem
    return reader.finish()


@dataclass(slots=True)
class _PolicyReader:
    """A policy, line by line."""

    logs: list[Verifier | Cosigner] = field(default_factory=list)
    witnesses: dict[bytes, Witness] = field(default_factory=dict)
    groups: dict[bytes, Group] = field(default_factory=dict)
    members: set[bytes] = field(default_factory=set)  # of any group
    quorum: bytes | None = None

    def read(self, line: bytes) -> None:
        if found := _FORBIDDEN.search(line):
            raise TrustInvalid(f"it holds the octet 0x{found[0][0]:02x}, which has no place in a policy")
        text = line.strip(b" \t")
        if not text or text.startswith(b"#"):
            return
        word, *items = _SPACE.split(text)
        match word:
            case b"log":
                self._log(items)
            case b"witness":
                self._witness(items)
            case b"group":
                self._group(items)
            case b"quorum":
                self._quorum(items)
            case _:
                raise TrustInvalid(f"{_shown(word)!r} is no word of a policy: expected log, witness, group or quorum")

    def finish(self) -> TrustPolicy:
        if self.quorum is None:
            raise TrustInvalid("the policy has no quorum: expected one line 'quorum NAME', or 'quorum none'")
        return TrustPolicy(
            logs=tuple(self.logs),
            witnesses=tuple(self.witnesses.values()),
            groups=tuple(self.groups.values()),
            quorum=self.quorum,
        )

    def _log(self, items: Sequence[bytes]) -> None:
        if len(items) not in {1, 2}:
            raise TrustInvalid("expected 'log VKEY [URL]'")
        key = _log_key(items[0])
        if any(key.public_key == other.public_key for other in self.logs):
            raise TrustInvalid(f"the public key of log {key.name} stands in an earlier line")
        _room(len(self.logs), "logs")
        self.logs.append(key)

    def _witness(self, items: Sequence[bytes]) -> None:
        if len(items) not in {2, 3}:
            raise TrustInvalid("expected 'witness NAME VKEY [URL]'")
        self._new_name(items[0])
        cosigner = _witness_key(items[1])
        for other in self.witnesses.values():
            if other.cosigner.public_key == cosigner.public_key:
                raise TrustInvalid(f"the public key of {_shown(items[0])} is that of {_shown(other.name)}")
        _room(len(self.witnesses), "witnesses")
        self.witnesses[items[0]] = Witness(name=items[0], cosigner=cosigner)

    def _group(self, items: Sequence[bytes]) -> None:
        if len(items) < 3:
            raise TrustInvalid("expected 'group NAME all|any|K NAME...'")
        name, threshold, *members = items
        self._new_name(name)
        for member in members:
            self._require_known(member)
            if member in self.members:
                raise TrustInvalid(f"{_shown(member)} is a member of a group already: each counts in one way only")
            self.members.add(member)
        _room(len(self.groups), "groups")
        self.groups[name] = Group(name=name, threshold=_threshold(threshold, len(members)), members=tuple(members))

    def _quorum(self, items: Sequence[bytes]) -> None:
        if len(items) != 1:
            raise TrustInvalid("expected 'quorum NAME'")
        if self.quorum is not None:
            raise TrustInvalid("there is a quorum already: a policy has exactly one")
        if items[0] != NONE:
            self._require_known(items[0])
        self.quorum = items[0]

    def _new_name(self, name: bytes) -> None:
        if name == NONE or name in self.witnesses or name in self.groups:
            raise TrustInvalid(f"the name {_shown(name)} is taken")

    def _require_known(self, name: bytes) -> None:
        if name not in self.witnesses and name not in self.groups:
            raise TrustInvalid(f"{_shown(name)} is no witness and no group of an earlier line")


def _threshold(text: bytes, members: int) -> int:
    if text in {b"all", b"any"}:
        return members if text == b"all" else 1
    if not _THRESHOLD.fullmatch(text) or int(text) > members:
        raise TrustInvalid(f"{_shown(text)!r} is no threshold: expected all, any, or a number from 1 to {members}")
    return int(text)


def _log_key(vkey: bytes) -> Verifier | Cosigner:
    """A log signs with plain Ed25519, or with an ML-DSA-44 cosignature (tlog-checkpoint §Signatures)."""
    try:
        text = vkey.decode()
        key = open_vkey(text, KeyKind.ED25519, KeyKind.ML_DSA_44_COSIGNATURE)
        return parse_vkey(text) if key.kind == KeyKind.ED25519 else parse_cosigner(text)
    except (UnicodeDecodeError, VerificationFailed) as exc:
        raise TrustInvalid(_told(exc, "log")) from exc


def _witness_key(vkey: bytes) -> Cosigner:
    try:
        return parse_cosigner(vkey.decode())
    except (UnicodeDecodeError, VerificationFailed) as exc:
        raise TrustInvalid(_told(exc, "witness")) from exc


def _told(problem: UnicodeDecodeError | VerificationFailed, whose: str) -> str:
    reason = problem.message if isinstance(problem, VerificationFailed) else "its name is not UTF-8"
    return f"this is no {whose}'s verifier key: {reason}"


def _signed_at(key: Verifier | Cosigner, note: Note) -> int | None:
    """When the key signed the note: 0 where that is not said, None if it did not sign. Raises VerificationFailed."""
    times = []
    for line in note.signatures:
        if (line.name, line.key_id) != (key.name, key.key_id):
            continue
        if isinstance(key, Cosigner):
            at_unix = key.verified_at(note.text, line.signature)
        else:
            at_unix = 0 if key.verifies(note.text.encode(), line.signature) else None
        if at_unix is None:
            raise VerificationFailed(f"the signature of {_key_name(key)} does not fit the text")
        times.append(at_unix)
    return max(times, default=None)


def _key_name(key: Verifier | Cosigner) -> str:
    return f"{key.name}+{key.key_id.hex()}"


def _room(there: int, what: str) -> None:
    if there >= _MAX_OF_A_KIND:
        raise TrustInvalid(f"the policy has more than {_MAX_OF_A_KIND} {what}")


def _shown(name: bytes) -> str:
    """A name's octets for a person."""
    return name.decode(errors="backslashreplace")
