# SPDX-License-Identifier: Apache-2.0
"""One witness asked for one checkpoint: honest, mad, hostile; and what that shows of the log."""

import shutil
from pathlib import Path

import pytest
from tests import ledger_builder
from tests.unit.witness.conftest import GrowingLog, NearWitness
from tests.witness_builder import text_of

from freehold.egress.errand import Reply
from freehold.errors import NotAtHome, VerificationFailed
from freehold.ledger.tree.checkpoint import read_unverified
from freehold.signing.cosignature import cosign
from freehold.signing.keys import load_cosigner
from freehold.signing.note import parse_vkey
from freehold.witness.asking.answers import Cosigned, NoUse
from freehold.witness.asking.exchange import Alarm, AlarmKind, Asked, ask
from freehold.witness.asking.newest import newest_seen
from freehold.witness.asking.own_log import Head, OwnLog

PLAIN, SIZE = "text/plain", "text/x.tlog.size"


async def asked(witness: NearWitness, log: GrowingLog, seen_size: int | None = None) -> Asked:
    own = log.own
    head = own.head()
    assert head is not None
    return await ask(witness, own, head, seen_size)


async def test_a_witness_of_which_nothing_is_known_is_asked_once(alice: NearWitness, log: GrowingLog) -> None:
    log.grow(5)
    told = await asked(alice, log)
    assert isinstance(told.told, Cosigned)
    assert (told.seen_size, len(alice.asked)) == (5, 1)


async def test_what_it_cosigned_last_is_learnt_from_its_409(alice: NearWitness, log: GrowingLog) -> None:
    log.grow(5)
    await asked(alice, log)
    log.grow(300)
    told = await asked(alice, log)
    assert isinstance(told.told, Cosigned)
    assert (told.seen_size, len(alice.asked)) == (305, 3), "zero, then five; the first one was the checkpoint of five"


async def test_what_is_known_is_proved_from_at_once(alice: NearWitness, log: GrowingLog) -> None:
    log.grow(5)
    known = (await asked(alice, log)).seen_size
    log.grow(4)
    assert isinstance((await asked(alice, log, known)).told, Cosigned)
    assert len(alice.asked) == 2


async def test_an_answer_that_was_missed_costs_one_more_request(alice: NearWitness, log: GrowingLog) -> None:
    log.grow(5)
    await asked(alice, log)
    told = await asked(alice, log, 0)
    assert isinstance(told.told, Cosigned)
    assert told.seen_size == 5


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ((200, PLAIN, b""), "no signatures"),
        ((200, PLAIN, b"nonsense\n"), "no signatures"),
        ((200, "text/html", b"<html>\n\nhello</html>\n"), "no signatures"),
        ((200, PLAIN, b"\xff\xfe\n"), "no signatures"),
        ((200, PLAIN, "— witness.example/alice AAAAAAAA\n".encode()), "did not sign with the key"),
        ((409, SIZE, b""), "without the size"),
        ((409, SIZE, b"-1\n"), "without the size"),
        ((409, SIZE, b"99999999999999999999999999\n"), "without the size"),
        ((409, SIZE, b"five\n"), "without the size"),
        ((409, PLAIN, b"5\n"), "without the size"),
        ((403, PLAIN, b""), "knows no key"),
        ((404, PLAIN, b""), "does not watch"),
        ((400, PLAIN, b""), "status 400"),
        ((301, PLAIN, b""), "status 301"),
        ((503, PLAIN, b""), "status 503"),
    ],
)
async def test_nonsense_is_of_no_use_and_no_alarm(
    alice: NearWitness, log: GrowingLog, reply: tuple[int, str, bytes], why: str
) -> None:
    log.grow(5)
    status, media, body = reply
    alice.instead = Reply(status=status, media=media, body=body)
    told = (await asked(alice, log)).told
    assert isinstance(told, NoUse)
    assert why in told.why


async def test_a_cosignature_of_another_checkpoint_does_not_count(alice: NearWitness, log: GrowingLog) -> None:
    log.grow(5)
    told = (await asked(alice, log)).told
    assert isinstance(told, Cosigned)
    alice.instead = Reply(status=200, media=PLAIN, body=told.lines.encode())
    log.grow(1)
    again = (await asked(alice, log)).told
    assert isinstance(again, NoUse)
    assert "does not hold" in again.why


@pytest.mark.parametrize("at_unix", [0, 253_402_300_800, 2**63 - 1], ids=["never", "year_10000", "the_last"])
async def test_a_time_that_there_is_not_makes_no_cosignature(alice: NearWitness, log: GrowingLog, at_unix: int) -> None:
    log.grow(5)
    head = log.own.head()
    assert head is not None
    key = load_cosigner(str(alice.directory / "witness.key"))
    line = cosign(text_of(head.note), key, at_unix)
    alice.instead = Reply(status=200, media=PLAIN, body=line.encode())
    told = (await asked(alice, log)).told
    assert isinstance(told, NoUse)
    assert "no time" in told.why


async def test_signatures_of_unknown_keys_are_ignored(alice: NearWitness, bob: NearWitness, log: GrowingLog) -> None:
    log.grow(5)
    of_bob, of_alice = (await asked(bob, log)).told, (await asked(alice, log)).told
    assert isinstance(of_bob, Cosigned)
    assert isinstance(of_alice, Cosigned)
    alice.instead = Reply(status=200, media=PLAIN, body=(of_bob.lines + of_alice.lines).encode())
    told = (await asked(alice, log)).told
    assert told == of_alice


async def test_a_witness_that_names_another_size_each_time_is_given_up(alice: NearWitness, log: GrowingLog) -> None:
    log.grow(5)
    alice.instead = Reply(status=409, media=SIZE, body=b"3\n")
    told = (await asked(alice, log)).told
    assert isinstance(told, NoUse)
    assert len(alice.asked) == 3


async def test_a_log_that_was_put_back_is_noticed_with_the_proof(
    alice: NearWitness, log: GrowingLog, tmp_path: Path
) -> None:
    log.grow(9)
    await asked(alice, log)
    restored = GrowingLog(tmp_path / "restored")
    restored.grow(5)
    alarm = (await asked(alice, restored)).told
    restored.log.close()
    assert isinstance(alarm, Alarm)
    assert (alarm.kind, alarm.seen_size, alarm.own_size, alarm.proved) == (AlarmKind.ROLLBACK, 9, 5, True)
    assert read_unverified(alarm.seen).size == 9


async def test_a_size_beyond_ours_that_nothing_proves_is_an_alarm_all_the_same(
    alice: NearWitness, log: GrowingLog
) -> None:
    log.grow(5)
    alice.instead = Reply(status=409, media=SIZE, body=b"77\n")
    alarm = (await asked(alice, log)).told
    assert isinstance(alarm, Alarm)
    assert (alarm.kind, alarm.seen_size, alarm.proved, alarm.seen) == (AlarmKind.ROLLBACK, 77, False, b"")


async def test_a_size_that_was_published_meanwhile_is_no_alarm(alice: NearWitness, log: GrowingLog) -> None:
    log.grow(5)
    own = log.own
    head = own.head()
    log.grow(4)
    await asked(alice, log)
    assert head is not None
    told = (await ask(alice, own, head, None)).told
    assert isinstance(told, NoUse)
    assert "newer" in told.why


async def test_two_histories_are_noticed_with_the_proof(alice: NearWitness, log: GrowingLog, tmp_path: Path) -> None:
    log.grow(5)
    await asked(alice, log)
    forked = GrowingLog(tmp_path / "forked")
    ledger_builder.append(forked.log, [ledger_builder.act_bytes(f"other-{index}") for index in range(9)])
    forked.log.publish()
    alarm = (await asked(alice, forked)).told
    forked.log.close()
    assert isinstance(alarm, Alarm)
    assert (alarm.kind, alarm.seen_size, alarm.own_size, alarm.proved) == (AlarmKind.SPLIT_VIEW, 5, 9, True)


async def test_a_422_that_nothing_proves_is_an_alarm_all_the_same(alice: NearWitness, log: GrowingLog) -> None:
    log.grow(5)
    await asked(alice, log)
    alice.instead = Reply(status=422, media=PLAIN, body=b"")
    alarm = (await asked(alice, log, 5)).told
    assert isinstance(alarm, Alarm)
    assert (alarm.kind, alarm.proved) == (AlarmKind.SPLIT_VIEW, False)


async def test_own_tiles_that_cannot_be_read_make_no_alarm_smaller(alice: NearWitness, log: GrowingLog) -> None:
    class Damaged(OwnLog):
        def root(self, size: int, head: Head) -> bytes:
            raise VerificationFailed("a tile is missing")

    log.grow(5)
    own = Damaged(log.directory, parse_vkey(ledger_builder.KEY.vkey))
    head = own.head()
    assert head is not None
    await ask(alice, own, head, None)
    alice.instead = Reply(status=422, media=PLAIN, body=b"")
    alarm = (await ask(alice, own, head, 5)).told
    assert isinstance(alarm, Alarm)
    assert not alarm.proved


async def test_a_copy_that_is_not_at_home_is_shown_to_nobody(log: GrowingLog, tmp_path: Path) -> None:
    log.grow(5)
    copy = shutil.copytree(log.directory, tmp_path / "copy")
    with pytest.raises(NotAtHome):
        OwnLog(copy, parse_vkey(ledger_builder.KEY.vkey)).head()


async def test_nobody_there_is_of_no_use(alice: NearWitness, log: GrowingLog) -> None:
    log.grow(5)
    alice.away = True
    told = await asked(alice, log, 3)
    assert told == Asked(told=NoUse(why="nobody is there"), seen_size=3)


async def test_every_witness_says_what_it_has_seen(alice: NearWitness, bob: NearWitness, log: GrowingLog) -> None:
    log.grow(5)
    await asked(alice, log)
    own = log.own
    head = own.head()
    assert head is not None
    of_alice, of_bob = await newest_seen([alice, bob], own.verifier, head.note)
    assert (of_alice.size, of_bob.size) == (5, 0)
    assert read_unverified(of_alice.checkpoint).size == 5
    bob.away = True
    (of_bob,) = await newest_seen([bob], own.verifier, head.note)
    assert (of_bob.size, of_bob.problem) == (None, "nobody is there")
