# SPDX-License-Identifier: Apache-2.0
"""What is read out of the ledger's entries, made by the functions that write them."""

from datetime import UTC, datetime

from freehold.continuity.drill.records import others_calls, recorded_calls, records_of
from freehold.contract.backend import BackendKind, Model, Target
from freehold.contract.call import Call, DataClass, Dialect, Operation
from freehold.contract.decision import Decision, Verdict
from freehold.contract.record import Ending, Outcome, Seam, SeamKind
from freehold.ledger.compose import admission, outcome

TARGETS = tuple(
    Target(name=name, kind=BackendKind.PROVIDER, model=Model(name="m", digest=""), operator=name)
    for name in ("claude", "paris")
)
SEAM = Seam(left="claude", taken_by="paris", kind=SeamKind.CONTINUED, error="provider_failed", at_bytes=9)


def at(second: int) -> datetime:
    return datetime.fromtimestamp(1_795_000_000 + second, UTC)


def admitted(call_id: str, key: str = "drill_1", second: int = 0, *, allowed: tuple[str, ...] = ("claude",)) -> bytes:
    call = Call(
        id=call_id,
        dialect=Dialect.ANTHROPIC,
        operation=Operation.CHAT,
        asked="support",
        service="support",
        key_id=key,
        data_class=DataClass.PERSONAL,
        stream=True,
        body=b"",
    )
    decision = Decision(
        id=f"dec_{call_id}",
        verdicts=tuple(Verdict(target=known.name, allowed=known.name in allowed, rules=()) for known in TARGETS),
        policy_digest="sha256:0",
        facts_digest="sha256:0",
    )
    return admission(call, decision, targets=TARGETS, snapshot_version=1, request_commitment="00", at_utc=at(second))


def ended(call_id: str, second: int = 1, target: str = "claude", **more: object) -> bytes:
    result = Outcome(call_id=call_id, ending=Ending.COMPLETE, target=target, model="m", input_tokens=5, **more)  # type: ignore[arg-type]
    return outcome(result, 0, at_utc=at(second))


def nobody(key_id: str) -> bool:
    return False


def test_a_call_has_been_seen_by_whoever_the_caller_has_something_of() -> None:
    entries = [admitted("call_1", allowed=("claude", "paris")), ended("call_1", target="paris", seams=(SEAM,))]
    (record,) = records_of(entries, "drill_1").values()
    assert (record.seen_by, record.allowed) == (("claude", "paris"), frozenset({"claude", "paris"}))
    assert record.ending == "complete"


def test_calls_of_other_keys_are_none_of_a_drills() -> None:
    assert list(records_of([admitted("call_1", "key_1"), admitted("call_2")], "drill_1")) == ["call_2"]


def test_a_call_that_is_refused_or_open_has_no_ending() -> None:
    records = records_of([admitted("call_1", allowed=()), admitted("call_2")], "drill_1")
    assert [(record.ending, bool(record.allowed)) for record in records.values()] == [("", False), ("", True)]


def test_an_answer_of_another_model_is_known_by_its_name_or_by_the_digest_of_it() -> None:
    entries = [admitted(f"call_{number}") for number in range(3)]
    entries += [ended("call_0"), ended("call_1", answered_as="m-2"), ended("call_2", answered_as="free text!")]
    assert [record.another_model for record in records_of(entries, "drill_1").values()] == [False, True, True]


def test_what_is_replayed_is_the_newest_that_was_answered_of_others() -> None:
    entries = [admitted(f"call_{number}", "key_1", number) for number in range(4)]
    entries += [ended(f"call_{number}", number + 1) for number in range(3)]
    entries += [admitted("call_9", "drill_1", 9), ended("call_9", 10)]
    calls = recorded_calls(entries, "support", 2, but_of=lambda key: key == "drill_1")
    assert [call.at_unix for call in calls] == [at(1).timestamp(), at(2).timestamp()]
    assert (calls[0].dialect, calls[0].data_class, calls[0].input_tokens) == (Dialect.ANTHROPIC, DataClass.PERSONAL, 5)
    assert recorded_calls(entries, "billing", 2, but_of=nobody) == []


def test_others_calls_are_those_since_then_and_those_that_are_open() -> None:
    entries = [admitted("call_1", "key_1", 0), ended("call_1", 1), admitted("call_2", "key_1", 2)]
    entries += [admitted("call_3", "key_1", 100), admitted("call_4", "drill_1", 100)]
    assert others_calls(entries, at(50).timestamp(), but_of=lambda key: key == "drill_1") == 2
