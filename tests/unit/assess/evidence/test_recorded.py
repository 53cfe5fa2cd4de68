# SPDX-License-Identifier: Apache-2.0
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.ledger_builder import (
    AT,
    KEY,
    ORIGIN,
    TARGETS,
    act_bytes,
    admission_bytes,
    call,
    decision,
    outcome,
    write_log,
)

from freehold.assess.evidence.picture import LedgerHead
from freehold.assess.evidence.recorded import read_ledger
from freehold.contract.call import DataClass
from freehold.contract.estate import Estate
from freehold.contract.record import Ending, Seam, SeamKind
from freehold.errors import VerificationFailed
from freehold.ledger import compose


def admitted(call_id: str, data_class: DataClass = DataClass.PERSONAL, asked: str = "gpt-4o") -> bytes:
    return compose.admission(
        replace(call(call_id, asked=asked), data_class=data_class),
        decision(),
        targets=TARGETS,
        snapshot_version=7,
        request_commitment="ef" * 32,
        at_utc=AT,
    )


def ended(admission: int, call_id: str, target: str = "local", seams: tuple[Seam, ...] = (), after_s: int = 0) -> bytes:
    result = replace(outcome(call_id, Ending.COMPLETE), target=target, seams=seams)
    return compose.outcome(result, admission, at_utc=AT + timedelta(seconds=after_s))


def forgotten(kind: str, subject: str) -> bytes:
    return compose.act(id="act_1", kind=kind, subject=subject, operator="op", digests={}, at_utc=AT)


def head(root: Path, entries: Sequence[bytes]) -> LedgerHead:
    write_log(root, entries)
    (root / "keys").mkdir()
    (root / "keys" / "ledger.vkey").write_text(f"{KEY.vkey}\n")
    found = read_ledger(Estate(root))
    assert found is not None
    return found


def test_calls_are_counted_by_service_class_and_whoever_answered(tmp_path: Path) -> None:
    entries = (admitted("a"), admitted("b", DataClass.PUBLIC), ended(1, "b"), ended(0, "a", "claude"), admitted("c"))
    found = head(tmp_path, entries)
    assert [(one.service, one.data_class, one.target, one.calls) for one in found.seen] == [
        ("default", "personal", "claude", 1),
        ("default", "public", "local", 1),
    ]
    assert found.answered == {"claude": 1, "local": 1}
    assert (found.oldest_at, found.newest_at) == ("2026-11-22T14:38:00.123456Z", "2026-11-22T14:38:00.123456Z")


def test_whoever_began_an_answer_saw_the_call_as_well(tmp_path: Path) -> None:
    seam = Seam(left="claude", taken_by="local", kind=SeamKind.CONTINUED, error="provider_broke", at_bytes=9)
    found = head(tmp_path, (admitted("a"), ended(0, "a", "local", (seam, seam))))
    assert {one.target: one.calls for one in found.seen} == {"claude": 1, "local": 1}
    assert (found.answered, found.answers) == ({"local": 1}, {"default": 1})


def test_refusals_are_counted_and_nobody_saw_them(tmp_path: Path) -> None:
    found = head(tmp_path, (admission_bytes("a", allowed=False), admission_bytes("b")))
    assert (dict(found.refused), found.seen) == ({"default": 1}, ())


def test_a_name_that_a_caller_chose_is_not_mistaken_for_a_field(tmp_path: Path) -> None:
    evil = '","service":"other","data_class":"public","kind":"act","x":"'
    found = head(tmp_path, (admitted("a", asked=evil), ended(0, "a", "claude")))
    assert [(one.service, one.data_class) for one in found.seen] == [("default", "personal")]


def test_the_busiest_minute_is_that_of_the_clock(tmp_path: Path) -> None:
    entries = [admitted(str(number)) for number in range(4)]
    entries += [ended(number, str(number), after_s=seconds) for number, seconds in enumerate((0, 61, 62, 63))]
    (busiest,) = head(tmp_path, entries).busiest
    assert (busiest.target, busiest.calls, busiest.minute) == ("local", 3, "2026-11-22T14:39")


def test_erasures_are_listed_with_their_positions_and_other_acts_are_not(tmp_path: Path) -> None:
    entries = (forgotten("call.forget", "call-1"), act_bytes(), forgotten("text.forget", "key_1"))
    found = head(tmp_path, entries)
    assert dict(found.erasures) == {"call.forget": 1, "text.forget": 1}
    assert [(one.position, one.subject) for one in found.newest_erasures] == [
        (f"{ORIGIN}/0", "call-1"),
        (f"{ORIGIN}/2", "key_1"),
    ]
    assert found.last_erasure == f"{ORIGIN}/2"


def test_of_many_erasures_the_newest_are_listed_and_all_are_counted(tmp_path: Path) -> None:
    found = head(tmp_path, [forgotten("call.forget", f"call-{number}") for number in range(130)])
    assert (found.erasures["call.forget"], len(found.newest_erasures)) == (130, 100)
    assert found.newest_erasures[-1].subject == "call-129"


def test_a_log_that_was_never_begun_says_nothing_and_a_head_that_does_not_hold_is_refused(tmp_path: Path) -> None:
    assert read_ledger(Estate(tmp_path / "none")) is None
    head(tmp_path, (act_bytes(),))
    checkpoint = tmp_path / "ledger" / "checkpoint"
    checkpoint.chmod(0o600)
    checkpoint.write_bytes(checkpoint.read_bytes().replace(b"\n1\n", b"\n2\n"))
    with pytest.raises(VerificationFailed):
        read_ledger(Estate(tmp_path))
