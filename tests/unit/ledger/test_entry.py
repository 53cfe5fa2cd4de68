# SPDX-License-Identifier: Apache-2.0
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger_builder import AT, TARGETS, act_bytes, admission_bytes, call, decision, outcome, outcome_bytes

from freehold.contract.record import Ending
from freehold.ledger import compose
from freehold.ledger.record.entry import ActEntry, AdmissionEntry, OutcomeEntry, is_canonical, outcome_mark, read_entry


def _admission(asked: str) -> dict[str, object]:
    data = compose.admission(
        call(asked=asked), decision(), targets=TARGETS, snapshot_version=1, request_commitment="", at_utc=AT
    )
    fields: dict[str, object] = json.loads(data)
    return fields


def test_an_admission_says_who_could_have_seen_the_call() -> None:
    record = read_entry(admission_bytes())
    assert isinstance(record, AdmissionEntry)
    assert record.effect == "allow"
    assert record.at == "2026-11-22T14:38:00.123456Z"
    assert [(target.name, target.allowed, target.authorities) for target in record.targets] == [
        ("claude", False, ("US",)),
        ("local", True, ()),
    ]


def test_an_admission_with_no_allowed_target_is_a_refusal() -> None:
    record = read_entry(admission_bytes(allowed=False))
    assert isinstance(record, AdmissionEntry)
    assert record.effect == "refuse"


def test_an_outcome_points_at_its_admission() -> None:
    data = outcome_bytes(41)
    record = read_entry(data)
    assert isinstance(record, OutcomeEntry)
    assert (record.admission, record.ending) == (41, Ending.COMPLETE)
    assert outcome_mark(41) in data
    assert outcome_mark(4) not in data


def test_an_act_holds_ids_and_digests() -> None:
    record = read_entry(act_bytes())
    assert isinstance(record, ActEntry)
    assert (record.act, record.subject, record.operator) == ("key.create", "key-1", "op-1")


@pytest.mark.parametrize("data", [admission_bytes(), outcome_bytes(3), act_bytes()])
def test_entries_are_canonical_json_with_sorted_keys(data: bytes) -> None:
    assert is_canonical(data)
    canonical = json.dumps(json.loads(data), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert canonical.encode() == data


@pytest.mark.parametrize("data", [b'{"b":1,"a":2}', b'{ "a":1}', b'{"a":1,"a":1}', b"\xff", b"{", b'{"a":"\\u0041"}'])
def test_json_that_can_be_written_otherwise_is_not_canonical(data: bytes) -> None:
    assert not is_canonical(data)


@pytest.mark.parametrize("asked", ["gpt-4o", "org/model:v1@2", "A" * 128])
def test_a_model_s_name_is_recorded_as_it_was_asked_for(asked: str) -> None:
    assert _admission(asked)["asked"] == asked


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=129) | st.from_regex(r"[ -/\n].*", fullmatch=True))
def test_what_is_no_model_s_name_is_recorded_as_a_digest_only(asked: str) -> None:
    fields = _admission(asked)
    assert "asked" not in fields
    assert len(str(fields["asked_sha256"])) == 64


def test_a_decision_over_other_targets_makes_no_entry() -> None:
    with pytest.raises(ValueError, match="do not name the same targets"):
        compose.admission(call(), decision(), targets=TARGETS[:1], snapshot_version=1, request_commitment="", at_utc=AT)


def test_ids_and_codes_are_no_way_in_for_free_text() -> None:
    with pytest.raises(ValueError, match="could be free text"):
        admission_bytes("what is wrong with me?")
    with pytest.raises(ValueError, match="no code"):
        compose.outcome(replace(outcome(), error="the model said: no"), 0, at_utc=AT)


def test_an_entry_over_the_limit_of_a_bundle_is_not_made() -> None:
    with pytest.raises(ValueError, match="over the limit of 65535"):
        compose.outcome(replace(outcome(), target="x" * 70_000), 0, at_utc=AT)


@pytest.mark.parametrize(
    ("kind", "subject", "digests"),
    [("create", "key-1", {}), ("key.create", "Ada Lovelace", {}), ("key.create", "key-1", {"name": "support key"})],
)
def test_an_act_with_free_text_is_refused(kind: str, subject: str, digests: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"key\.create"):
        compose.act(id="a", kind=kind, subject=subject, operator="op-1", digests=digests, at_utc=AT)


def test_an_entry_of_a_later_version_is_not_guessed_at() -> None:
    assert read_entry(outcome_bytes(1).replace(b'"v":1', b'"v":2')) is None
    assert read_entry(b'{"kind":"cosignature","v":1}') is None


@given(st.binary(max_size=100))
def test_reading_arbitrary_bytes_raises_nothing(data: bytes) -> None:
    read_entry(data)
    is_canonical(data)
