# SPDX-License-Identifier: Apache-2.0
"""The witnesses of a log asked again and again, and what is made of it."""

from tests import ledger_builder
from tests.unit.witness.conftest import GrowingLog, NearWitness

from freehold.errors import LedgerUnavailable
from freehold.ledger.check.trust import TrustPolicy, parse_policy
from freehold.witness.asking.asking import Asking
from freehold.witness.asking.exchange import Alarm


class Heard:
    """``broken``: the ledger is away."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []
        self.problems: list[tuple[str, str]] = []
        self.alarms: list[tuple[str, Alarm]] = []
        self.taken: list[bytes] = []
        self.broken = False

    async def cosigned(self, witness: str, size: int, at_unix: int) -> None:
        self.seen.append((witness, size))

    async def failed(self, witness: str, why: str) -> None:
        self.problems.append((witness, why))

    async def alarmed(self, witness: str, alarm: Alarm) -> None:
        self.alarms.append((witness, alarm))

    async def take(self, note: bytes) -> None:
        if self.broken:
            raise LedgerUnavailable("the ledger is away")
        self.taken.append(note)


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def policy(*witnesses: NearWitness, quorum: str = "all") -> TrustPolicy:
    names = " ".join(one.witness.name for one in witnesses)
    lines = [f"log {ledger_builder.KEY.vkey}"]
    lines += [f"witness {one.witness.name} {one.witness.vkey}" for one in witnesses]
    lines += [f"group G {quorum} {names}", "quorum G"]
    return parse_policy("".join(f"{line}\n" for line in lines).encode())


class Kit:
    def __init__(self, log: GrowingLog, *witnesses: NearWitness, quorum: str = "all") -> None:
        self.heard = Heard()
        self.clock = Clock()
        self.policy = policy(*witnesses, quorum=quorum)
        self.asking = Asking(
            witnesses,
            log.own,
            self.policy,
            self.heard,
            seen={},
            now_s=self.clock,
        )

    async def turn(self) -> None:
        await self.asking.turn()
        await self.asking.settle()

    @property
    def sizes(self) -> list[int]:
        return [self.policy.open(note).checkpoint.size for note in self.heard.taken]


async def test_a_publication_is_cosigned_and_handed_over(log: GrowingLog, alice: NearWitness, bob: NearWitness) -> None:
    kit = Kit(log, alice, bob)
    log.grow(5)
    await kit.turn()
    assert sorted(kit.heard.seen) == [("alice", 5), ("bob", 5)]
    assert kit.sizes == [5]
    await kit.turn()
    assert len(alice.asked) == 1, "nothing new was published"
    log.grow(5)
    await kit.turn()
    assert kit.sizes == [5, 10]


async def test_one_that_is_not_enough_is_not_handed_over(log: GrowingLog, alice: NearWitness, bob: NearWitness) -> None:
    kit = Kit(log, alice, bob)
    bob.away = True
    log.grow(5)
    await kit.turn()
    assert kit.heard.taken == []
    bob.away = False
    kit.clock.now_s = 2.0
    await kit.turn()
    assert kit.sizes == [5]


async def test_where_one_is_enough_the_other_s_signature_is_added_when_it_comes(
    log: GrowingLog, alice: NearWitness, bob: NearWitness
) -> None:
    kit = Kit(log, alice, bob, quorum="any")
    bob.away = True
    log.grow(5)
    await kit.turn()
    bob.away = False
    kit.clock.now_s = 2.0
    await kit.turn()
    assert kit.sizes == [5, 5]
    assert [len(kit.policy.open(note).cosignatures) for note in kit.heard.taken] == [1, 2]


async def test_what_the_ledger_cannot_take_is_handed_over_later(log: GrowingLog, alice: NearWitness) -> None:
    kit = Kit(log, alice)
    kit.heard.broken = True
    log.grow(5)
    await kit.turn()
    kit.heard.broken = False
    await kit.turn()
    assert kit.sizes == [5]
    assert len(alice.asked) == 1


async def test_an_alarm_is_told_and_the_others_go_on(log: GrowingLog, alice: NearWitness, bob: NearWitness) -> None:
    kit = Kit(log, alice, bob, quorum="any")
    forked = GrowingLog(log.root.parent / "forked")
    ledger_builder.append(forked.log, [ledger_builder.act_bytes(f"other-{index}") for index in range(9)])
    forked.log.publish()
    other = Kit(forked, alice)
    await other.turn()
    forked.log.close()
    log.grow(12)
    await kit.turn()
    ((name, alarm),) = kit.heard.alarms
    assert (name, alarm.proved) == ("alice", True)
    assert kit.sizes == [12]
