# SPDX-License-Identifier: Apache-2.0
"""What was decided is encoded once for many calls, and anew as soon as anything about it is another."""

from dataclasses import replace

import msgspec
import pytest
from tests.ledger_builder import TARGETS, decision

from freehold.contract.decision import Decision
from freehold.ledger.judging import Encoding, Reading
from freehold.ledger.messages import Judged


def another(judged: Decision) -> Decision:
    """Another call's, under the same verdicts."""
    return replace(judged, id="decision-2")


def test_the_same_verdicts_are_encoded_once() -> None:
    encoding, judged = Encoding(), decision()
    assert encoding.of(another(judged), tuple(TARGETS), 1) is encoding.of(judged, TARGETS, 1)


def test_other_targets_another_snapshot_or_other_digests_are_encoded_anew() -> None:
    encoding, judged = Encoding(), decision()
    newer = (TARGETS[0], replace(TARGETS[1], engine_digest="sha256:" + "0e" * 32))
    other = replace(judged, facts_digest="sha256:" + "03" * 32)
    said = [encoding.of(judged, TARGETS, 1), encoding.of(judged, newer, 1), encoding.of(judged, newer, 2)]
    said.append(encoding.of(other, newer, 2))
    assert len({bytes(one) for one in said}) == 4
    assert msgspec.msgpack.decode(said[1], type=Judged).targets == newer


def test_what_was_kept_is_forgotten_before_it_takes_much_memory() -> None:
    encoding = Encoding()
    judged = [decision() for _ in range(1000)]
    assert len({bytes(encoding.of(one, TARGETS, number)) for number, one in enumerate(judged)}) == 1000
    assert len(encoding._kept) <= 256


def test_a_judgement_over_other_targets_than_the_services_is_refused_each_time() -> None:
    reading, said = Reading(), Encoding().of(decision(), TARGETS[:1], 1)
    for _ in range(2):
        with pytest.raises(ValueError, match="do not name the same targets"):
            reading.of(said)


def test_what_is_no_judgement_is_refused() -> None:
    with pytest.raises(ValueError, match="Expected"):
        Reading().of(msgspec.Raw(msgspec.msgpack.encode("free text")))
