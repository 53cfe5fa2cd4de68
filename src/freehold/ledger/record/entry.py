# SPDX-License-Identifier: Apache-2.0
"""What an entry of the log says: ``admission``, ``outcome`` or ``act``, and how that is read. Pure.

Canonical as in RFC 8785, in the part of JSON used here: sorted keys, no whitespace, UTF-8; integers, strings, booleans,
lists and objects, no fractions and no null: what is None here is left out there. An entry holds ids, counts, digests
and commitments. It never holds content, free text or the name of a person.
"""

from dataclasses import dataclass

from freehold.contract.backend import BackendKind
from freehold.contract.call import Dialect, Operation
from freehold.contract.record import Ending, SeamKind
from freehold.ledger.record.reading import parse_json, present_fields, reader_of, write_canonical

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecord:
    """Which decision, under which rules and facts."""

    id: str
    policy: str
    facts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRecord:
    """One target of the service as it was known when the call was judged, and the verdict."""

    name: str
    backend: BackendKind
    model: str
    model_digest: str
    operator: str
    authorities: tuple[str, ...]
    allowed: bool
    rules: tuple[str, ...]
    engine_digest: str | None = None  # of the build of its engine, where that is known


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionEntry:
    """A call was judged. ``effect`` is ``allow`` or ``refuse``; a refusal is complete in itself."""

    v: int
    at: str
    call: str
    dialect: Dialect
    operation: Operation
    service: str
    key: str
    data_class: str
    stream: bool
    effect: str
    decision: DecisionRecord
    targets: tuple[TargetRecord, ...]
    snapshot: int
    request: str  # commitment to the body, hex
    asked: str | None = None
    asked_sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeamRecord:
    """Where one target's answer broke off, and who went on with it."""

    left: str
    taken_by: str
    how: SeamKind
    error: str
    at_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeEntry:
    """An allowed call ended. ``admission`` is the index of its admission."""

    v: int
    at: str
    call: str
    admission: int
    ending: Ending
    target: str
    model_digest: str
    error: str
    input_tokens: int
    output_tokens: int
    answer: str  # commitment to the bytes sent, hex
    answer_bytes: int
    model: str | None = None
    model_sha256: str | None = None
    engine_digest: str | None = None  # of the build of the engine that answered
    answered_as: str | None = None  # only where a provider answered with another model than it was asked for
    answered_as_sha256: str | None = None
    seams: tuple[SeamRecord, ...] | None = None  # only of an answer that broke off after its first byte


@dataclass(frozen=True, slots=True, kw_only=True)
class ActEntry:
    """An operator changed something. ``digests`` say what, for whoever holds the originals."""

    v: int
    at: str
    id: str
    act: str
    subject: str
    operator: str
    digests: dict[str, str]


Entry = AdmissionEntry | OutcomeEntry | ActEntry

_KINDS: dict[object, type[Entry]] = {"admission": AdmissionEntry, "outcome": OutcomeEntry, "act": ActEntry}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_READERS = {name: reader_of(kind, unknown_fields=True) for name, kind in _KINDS.items()}


def read_entry(data: bytes) -> Entry | None:
    """The entry, or None if it is of a kind or version that this release does not know, or is not well formed."""
    fields = read_fields(data)
    try:
        return None if fields is None else _READERS[fields["kind"]](fields)
    except ValueError:
        return None


def read_fields(data: bytes) -> dict[str, object] | None:
    """An entry's JSON, of a kind and version that this release knows; its other fields may be anything.

    For whoever counts a whole log and cannot wait for ``read_entry``.
    """
    try:
        fields = parse_json(data)
    except ValueError:
        return None
    if not isinstance(fields, dict) or fields.get("v") != VERSION:
        return None
    kind = fields.get("kind")
    return fields if isinstance(kind, str) and kind in _READERS else None


def is_canonical(data: bytes) -> bool:
    """Whether the bytes are the one way to write the JSON that they hold."""
    try:
        return write_canonical(parse_json(data)) == data
    except ValueError:
        return False


def entry_fields(entry: Entry) -> dict[str, object]:
    """What the entry says, as its JSON does, in the order of the fields here."""
    return {"kind": _NAMES[type(entry)], **present_fields(entry)}


def outcome_mark(admission_index: int) -> bytes:
    """Bytes that the outcome of an admission is sure to hold: to find it without decoding every entry on the way."""
    return b'"admission":%d,' % admission_index
