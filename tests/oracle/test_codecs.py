# SPDX-License-Identifier: Apache-2.0
"""What the product writes, whatever it is, the oracle reads back the same: checkpoints, notes, proofs, entries."""

import json
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from tests.ledger_builder import KEY, TARGETS, call, decision, outcome
from tests.oracle.notes import open_note, read_head, read_key
from tests.oracle.proofs import read_proof
from tests.oracle.receipts import canonical, read_json

from freehold.contract.record import Ending
from freehold.ledger import compose
from freehold.ledger.record.entry import ActEntry, AdmissionEntry, OutcomeEntry, is_canonical, read_entry
from freehold.ledger.tree.checkpoint import Checkpoint, read_unverified, sign_checkpoint
from freehold.ledger.tree.proof import TlogProof, parse_proof, write_proof
from freehold.signing.note import format_vkey, parse_note, parse_vkey

HASHES = st.binary(min_size=32, max_size=32)
WORDS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=40)
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,30}", fullmatch=True)
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
COUNTS = st.integers(0, 2**40)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
KEYS = st.text(st.characters(codec="ascii"), max_size=4)
VALUES = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


@given(WORDS, st.integers(0, 2**63 - 1), HASHES, st.lists(WORDS, max_size=3))
def test_checkpoints(origin: str, size: int, root: bytes, more: list[str]) -> None:
    written = Checkpoint(origin=origin, size=size, root=root, extensions=tuple(more))
    note = sign_checkpoint(written, KEY)
    head = read_head(open_note(note, [read_key(KEY.vkey)])[0])
    assert (head.origin.decode(), head.size, head.root) == (origin, size, root)
    assert [line.decode() for line in head.extensions] == more
    assert read_unverified(note) == written


@given(st.integers(0, 2**63 - 1), st.lists(HASHES, max_size=63), st.binary(max_size=300), WORDS)
def test_proofs(index: int, hashes: list[bytes], extra: bytes, text: str) -> None:
    written = TlogProof(index=index, hashes=tuple(hashes), checkpoint=f"{text}\n".encode(), extra=extra)
    proof = read_proof(write_proof(written).encode())
    assert (proof.index, proof.hashes, proof.checkpoint, proof.extra) == (
        index,
        tuple(hashes),
        written.checkpoint,
        extra,
    )
    assert parse_proof(write_proof(written)) == written


@given(WORDS.filter(lambda name: "+" not in name and not any(map(str.isspace, name))), HASHES)
def test_verifier_keys(name: str, public_key: bytes) -> None:
    vkey = format_vkey(name, public_key)
    ours, theirs = parse_vkey(vkey), read_key(vkey)
    assert (ours.name.encode(), ours.key_id, ours.public_key) == (theirs.name, theirs.key_id, theirs.public)


@given(NAMES, TEXTS, INSTANTS, st.booleans())
def test_admissions(call_id: str, asked: str, at_utc: datetime, allowed: bool) -> None:
    data = compose.admission(
        call(call_id, asked=asked),
        decision(allowed=allowed),
        targets=TARGETS,
        snapshot_version=1,
        request_commitment="ab" * 32,
        at_utc=at_utc,
    )
    entry = _read_alike(data)
    assert isinstance(entry, AdmissionEntry)
    assert (entry.call, entry.effect) == (call_id, "allow" if allowed else "refuse")


@given(COUNTS, COUNTS, st.sampled_from(Ending), INSTANTS, TEXTS)
def test_outcomes(admission: int, tokens: int, ending: Ending, at_utc: datetime, model: str) -> None:
    result = replace(outcome(), input_tokens=tokens, answer_bytes=tokens // 2, ending=ending, model=model)
    entry = _read_alike(compose.outcome(result, admission, at_utc=at_utc))
    assert isinstance(entry, OutcomeEntry)
    assert (entry.admission, entry.input_tokens, entry.answer_bytes) == (admission, tokens, tokens // 2)


@given(NAMES, NAMES, st.dictionaries(NAMES, st.binary(min_size=1).map(lambda raw: f"sha256:{raw.hex()}")), INSTANTS)
def test_acts(subject: str, operator: str, digests: dict[str, str], at_utc: datetime) -> None:
    data = compose.act(
        id="act-1", kind="key.create", subject=subject, operator=operator, digests=digests, at_utc=at_utc
    )
    entry = _read_alike(data)
    assert isinstance(entry, ActEntry)
    assert dict(entry.digests) == digests


@given(st.dictionaries(KEYS, VALUES, max_size=4), st.booleans(), st.booleans(), st.sampled_from([",", ", "]))
def test_canonical_json_is_one_spelling_of_many(value: object, ascii_only: bool, ordered: bool, comma: str) -> None:
    data = json.dumps(value, separators=(comma, ":"), ensure_ascii=ascii_only, sort_keys=ordered).encode()
    assert is_canonical(data) == (canonical(read_json(data)) == data)


def test_a_note_s_lines_are_the_same_to_both() -> None:
    note = sign_checkpoint(Checkpoint(origin="a", size=0, root=bytes(32)), KEY)
    assert parse_note(note).text.encode() == open_note(note, [read_key(KEY.vkey)])[0]


def _read_alike(data: bytes) -> object:
    assert canonical(read_json(data)) == data
    assert is_canonical(data)
    return read_entry(data)
