# SPDX-License-Identifier: Apache-2.0
"""How rules come into force, and how they do not."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from tests.unit.admin.conftest import NOW_UNIX, FakeLedger, Steps

from freehold.admin.interface import Parts
from freehold.admin.operations import Asker, Operations
from freehold.admin.requests import Nothing
from freehold.channel import Channel, connect
from freehold.contract.estate import Estate
from freehold.contract.law import Law
from freehold.contract.report import GatewayReport
from freehold.contract.snapshot import Snapshot
from freehold.errors import ClaimNotProved, PolicyInvalid, SettingsError
from freehold.policy.facts import load_register
from freehold.settings import read_settings

OWN = '@id("own") forbid (principal, action, resource) when { resource.trains };'
BROKEN = '@id("own") forbid (principal, action, resource) when { resource.trians };'


class Clock:
    """Says what it is told to."""

    now_unix = NOW_UNIX

    def __call__(self) -> float:
        return self.now_unix


@pytest.fixture
def asker(steps: Steps) -> Asker:
    return steps.asker()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def operations(estate: Estate, parts: Parts, clock: Clock) -> Operations:
    operations = Operations(parts, read_settings(estate.settings), now_unix=clock, recorded_within_s=0.05)
    await operations.start()
    return operations


async def law_in_force(operations: Operations, asker: Asker) -> Law:
    shown: Any = (await operations.show_policy(Nothing(), asker))["policy"]
    return msgspec.convert(msgspec.to_builtins(shown["law"]), Law)


def write_rule(estate: Estate, text: str) -> None:
    estate.policies.mkdir(exist_ok=True)
    (estate.policies / "own.cedar").write_text(text)


async def test_the_law_in_force_is_shown_with_services_and_targets_and_no_key(
    operations: Operations, asker: Asker
) -> None:
    shown: Any = (await operations.show_policy(Nothing(), asker))["policy"]
    assert (shown["law"].set, shown["services"][0].name, shown["targets"][0].name) == ("owned-only", "default", "local")
    assert shown.keys() == {"law", "services", "targets"}


async def test_a_reload_puts_rules_in_force_and_records_their_digest(
    operations: Operations, estate: Estate, asker: Asker, ledger: FakeLedger
) -> None:
    before = await law_in_force(operations, asker)
    write_rule(estate, OWN)
    assert await law_in_force(operations, asker) == before
    await operations.reload(Nothing(), asker)
    after = await law_in_force(operations, asker)
    assert after.files[-1].text == OWN
    digests = ledger.acts[0][3]
    assert (digests["policy"], digests["facts"]) == (after.policy_digest, after.facts_digest)


async def test_a_rule_that_is_not_sound_leaves_the_old_ones_in_force(
    operations: Operations, estate: Estate, asker: Asker, ledger: FakeLedger
) -> None:
    before = await law_in_force(operations, asker)
    write_rule(estate, BROKEN)
    with pytest.raises(PolicyInvalid, match=r"policies/own\.cedar, line 1"):
        await operations.reload(Nothing(), asker)
    assert (await law_in_force(operations, asker), ledger.acts) == (before, [])


async def test_a_fact_that_is_not_sound_leaves_the_old_ones_in_force(
    operations: Operations, estate: Estate, asker: Asker
) -> None:
    before = await law_in_force(operations, asker)
    estate.facts.mkdir()
    (estate.facts / "own.yaml").write_text("providers: {paris: {name: Paris}}")
    with pytest.raises(SettingsError, match=r"own\.yaml"):
        await operations.reload(Nothing(), asker)
    assert await law_in_force(operations, asker) == before


async def test_a_claim_that_the_rules_break_keeps_them_out_of_force(
    operations: Operations, estate: Estate, asker: Asker
) -> None:
    write_rule(estate, '@id("all") permit (principal, action, resource);')
    (estate.policies / "claims.txt").write_text("no personal data under authority US\n")
    before = await law_in_force(operations, asker)
    with pytest.raises(ClaimNotProved):
        await operations.reload(Nothing(), asker)
    assert await law_in_force(operations, asker) == before


@pytest.mark.parametrize(("file", "text"), [("own.cedar", BROKEN), ("claims.txt", "no such claim")])
async def test_an_estate_whose_rules_or_claims_are_not_sound_does_not_start(
    estate: Estate, parts: Parts, file: str, text: str
) -> None:
    estate.policies.mkdir()
    (estate.policies / file).write_text(text)
    operations = Operations(parts, read_settings(estate.settings))
    with pytest.raises(Exception, match=r"policies/") as refusal:
        await operations.start()
    assert refusal.type.__name__ in ("PolicyInvalid", "ClaimInvalid")


@pytest.fixture
async def gateway(parts: Parts) -> AsyncIterator[Channel[Snapshot, GatewayReport]]:
    await parts.publisher.open(parts.estate.snapshot_socket)
    channel: Channel[Snapshot, GatewayReport] = await connect(parts.estate.snapshot_socket, Snapshot)
    yield channel
    channel.close()
    parts.publisher.close()


async def test_the_law_travels_to_the_gateways_whole(
    gateway: Channel[Snapshot, GatewayReport], operations: Operations, asker: Asker
) -> None:
    async with asyncio.timeout(60):
        snapshot = await gateway.receive()
    assert snapshot.law == await law_in_force(operations, asker)


async def test_a_decision_that_lapses_does_so_on_its_day_and_without_what_is_only_in_the_files(
    estate: Estate, parts: Parts, clock: Clock, asker: Asker
) -> None:
    estate.settings.write_text(estate.settings.read_text().replace('# set = "owned-only"', 'set = "eu-or-adequate"'))
    operations = Operations(parts, read_settings(estate.settings), now_unix=clock)
    await operations.start()
    before = await law_in_force(operations, asker)
    write_rule(estate, OWN)
    clock.now_unix += 1
    assert not await operations.turn_day()
    expiry = next(decision.expires for decision in load_register().adequacy.values() if decision.expires)
    clock.now_unix = datetime(expiry.year, expiry.month, expiry.day, tzinfo=UTC).timestamp()
    assert await operations.turn_day()
    after = await law_in_force(operations, asker)
    assert '"GB"' in before.files[1].text
    assert '"GB"' not in after.files[1].text
    assert len(after.files) == len(before.files)
