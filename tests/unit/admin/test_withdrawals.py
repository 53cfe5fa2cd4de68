# SPDX-License-Identifier: Apache-2.0
import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.facts_builder import organisation, provider, said, text
from tests.unit.admin.conftest import NOW_UNIX, FakeLedger, FakeSupervisor, Steps

from freehold.admin.interface import Parts
from freehold.admin.operations import Operations
from freehold.admin.requests import (
    ById,
    IssueDirective,
    ListDirectives,
    Nothing,
    RestoreTarget,
    SignDirective,
    WithdrawTarget,
)
from freehold.channel import Channel, connect
from freehold.contract.canary import CANARY_KEY, Canary
from freehold.contract.estate import Estate
from freehold.contract.report import Evidence, GatewayReport, Outage
from freehold.contract.snapshot import Snapshot
from freehold.contract.standing import TargetState
from freehold.errors import EstateError, InvalidRequest, LedgerFull, LedgerUnavailable, NotFound
from freehold.settings import read_settings

SOURCE = "https://example.org/orders/17"
FACTS = {
    "organisations": {"french": organisation("FR"), "american": organisation("US")},
    "providers": {
        name: provider(by, hosts=[said(host=f"api.{name}.example.org")], dialects=["openai"])
        for name, by in (("paris", "french"), ("austin", "american"))
    },
}
SETTINGS = """
[service.desk]
data_class = "personal"
targets = ["big", "near", "local"]
aliases = ["desk-*"]

[service.site]
data_class = "public"
targets = ["big"]

[target.big]
provider = "austin"
model = "big-1"

[target.small]
provider = "austin"
model = "small-1"

[target.near]
provider = "paris"
model = "near-1"

[provider.austin]
base_url = "https://api.austin.example.org/v1"

[provider.paris]
base_url = "https://api.paris.example.org/v1"
"""


class Clock:
    def __init__(self) -> None:
        self.now_unix = NOW_UNIX

    def __call__(self) -> float:
        return self.now_unix


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def start(estate: Estate, parts: Parts, clock: Clock) -> Any:
    """Starts operations over the estate's files, again and again."""
    estate.facts.mkdir(exist_ok=True)
    (estate.facts / "own.yaml").write_text(text(**FACTS))
    made = estate.settings.read_text(encoding="utf-8").replace("[policy]", '[policy]\nset = "open"')
    estate.settings.write_text(made + SETTINGS)

    async def started(old: str = "", new: str = "") -> Operations:
        changed = estate.settings.read_text(encoding="utf-8")
        assert old in changed
        estate.settings.write_text(changed.replace(old, new) if old else changed)
        operations = Operations(parts, read_settings(estate.settings), now_unix=clock, recorded_within_s=0.05)
        await operations.start()
        return operations

    return started


@pytest.fixture
async def up(start: Any) -> Operations:
    operations: Operations = await start()
    return operations


def ask(kind: str = "model", name: str = "big-*", **more: Any) -> IssueDirective:
    words: dict[str, Any] = {"kind": kind, "name": name, "reason": "an order of the state", "source": SOURCE, **more}
    return IssueDirective(**words)


def at(after_s: float) -> datetime:
    return datetime.fromtimestamp(NOW_UNIX + after_s, UTC)


async def issue(operations: Operations, by: str = "local", **more: Any) -> dict[str, Any]:
    view: Any = (await operations.directing.issue(ask(**more), by))["directive"]
    return dict(view)


async def states(operations: Operations) -> dict[str, str]:
    """Of the targets that are not active."""
    views: Any = (await operations.deciding.list_targets(Nothing(), "local"))["targets"]
    return {view["target"]: view["state"] for view in views if view["state"] != TargetState.ACTIVE}


async def standings(operations: Operations) -> dict[str, Any]:
    """As the newest snapshot has them."""
    snapshot = operations._in_force
    assert snapshot is not None
    return {standing.target: standing for standing in snapshot.standings}


async def aside(operations: Operations) -> None:
    """Until what was started aside is over."""
    await asyncio.gather(*operations.withdrawals._aside.values())


def acts(ledger: FakeLedger) -> list[tuple[str, str, str]]:
    return [act[:3] for act in ledger.acts]


async def test_a_directive_is_in_force_on_record_and_shown_when_it_is_answered(
    up: Operations, ledger: FakeLedger
) -> None:
    answer: Any = await up.directing.issue(ask(cuts=True, tells=True), "op_1")
    view, preview = answer["directive"], answer["preview"]
    assert (view["state"], view["targets"], view["issued_by"]) == ("in force", ["big"], "op_1")
    standing = (await standings(up))["big"]
    assert (standing.state, standing.directive, standing.cuts) == (TargetState.WITHDRAWN, view["id"], True)
    assert standing.told == "an order of the state"
    assert [(row["target"], row["unsure"]) for row in preview["targets"]] == [("big", False)]
    desk, site = preview["services"]
    assert (desk["service"], desk["aliases"], desk["left"], desk["stops"]) == (
        "desk",
        ("desk-*",),
        ("near", "local"),
        False,
    )
    assert (site["service"], site["stops"]) == ("site", True)
    assert acts(ledger) == [("directive.issue", view["id"], "op_1")]
    assert ledger.acts[0][3].keys() == {"directive", "reason", "source"}
    assert ledger.acts[0][3]["directive"] == view["digest"]
    assert "order of the state" not in str(ledger.acts)


async def test_a_dry_run_does_nothing(up: Operations, ledger: FakeLedger) -> None:
    answer: Any = await up.directing.issue(ask("authority", "us", dry_run=True), "local")
    assert [row["target"] for row in answer["preview"]["targets"]] == ["big", "small"]
    assert (await up.directing.list_directives(ListDirectives(), "local"))["directives"] == []
    assert (ledger.acts, await states(up)) == ([], {})


async def test_what_the_rules_forbid_is_no_substitute(start: Any) -> None:
    up = await start('set = "open"', 'set = "owned-only"')
    answer: Any = await up.directing.issue(ask(dry_run=True), "local")
    desk = answer["preview"]["services"][0]
    assert (desk["left"], desk["forbidden"]) == (("local",), ("near",))


async def test_a_directive_may_name_what_no_target_uses_yet(up: Operations) -> None:
    answer: Any = await up.directing.issue(ask("provider", "unheard-of"), "local")
    assert (answer["directive"]["state"], answer["preview"]) == ("in force", {"targets": [], "services": []})


@pytest.mark.parametrize(
    ("words", "said_so"),
    [
        ({"source": "an order"}, "not the URL of the order"),
        ({"source": "ftp://example.org/17"}, "not the URL of the order"),
        ({"source": "https://"}, "not the URL of the order"),
        ({"source": "https://exam ple.org"}, "not the URL of the order"),
        ({"source": "https://[::1"}, "not the URL of the order"),
        ({"kind": "authority", "name": "UK"}, "'UK' is no state"),
        ({"kind": "region", "name": "Europe"}, "'Europe' is no state"),
        ({"kind": "model", "name": "a*b*"}, "more than one"),
        ({"kind": "provider", "name": "self"}, "is this estate"),
    ],
)
async def test_what_could_name_nothing_is_refused(
    up: Operations, ledger: FakeLedger, words: dict[str, Any], said_so: str
) -> None:
    with pytest.raises(InvalidRequest, match=said_so):
        await up.directing.issue(ask(**words), "local")
    assert ledger.acts == []


async def test_overlapping_directives_hold_until_the_last_is_lifted(up: Operations) -> None:
    model = await issue(up)
    whole = await issue(up, kind="provider", name="austin")
    await up.directing.lift(ById(id=model["id"]), "local")
    assert await states(up) == {"big": "withdrawn", "small": "withdrawn"}
    await up.directing.lift(ById(id=whole["id"]), "local")
    assert await states(up) == {}
    assert (await standings(up)) == {}


async def test_those_that_stand_are_listed_apart_and_the_newest_first(up: Operations) -> None:
    ids = [(await issue(up))["id"] for _ in range(3)]
    await up.directing.lift(ById(id=ids[1]), "local")
    listed: Any = await up.directing.list_directives(ListDirectives(standing=True, newest=True), "local")
    assert [view["id"] for view in listed["directives"]] == [ids[2], ids[0]]
    listed = await up.directing.list_directives(ListDirectives(), "local")
    assert [view["id"] for view in listed["directives"]] == ids


async def test_lifting_leaves_what_a_person_withdrew(up: Operations, ledger: FakeLedger) -> None:
    await up.deciding.withdraw(WithdrawTarget(name="big", reason="wrong bills"), "op_1")
    directive = await issue(up)
    with pytest.raises(EstateError, match="nothing to restore"):
        await up.deciding.restore(RestoreTarget(name="near"), "local")
    await up.directing.lift(ById(id=directive["id"]), "local")
    assert await states(up) == {"big": "withdrawn"}
    await up.deciding.restore(RestoreTarget(name="big"), "op_2")
    assert await states(up) == {}
    assert [kind for kind, *_ in acts(ledger)] == [
        "target.withdraw",
        "directive.issue",
        "directive.lift",
        "target.restore",
    ]
    assert "bills" not in str(ledger.acts)


async def test_no_person_restores_what_a_directive_holds(up: Operations) -> None:
    directive = await issue(up)
    with pytest.raises(EstateError, match=f"withdrawn by directive {directive['id']}"):
        await up.deciding.restore(RestoreTarget(name="big"), "local")
    with pytest.raises(NotFound, match="no target 'huge'; there are: local, big"):
        await up.deciding.restore(RestoreTarget(name="huge"), "local")
    with pytest.raises(NotFound, match="no directive 'dir_0'"):
        await up.directing.lift(ById(id="dir_0"), "local")


async def test_a_full_disk_keeps_no_forbidden_target_in_service_and_is_told_once_it_is_not(
    up: Operations, ledger: FakeLedger
) -> None:
    ledger.fault = LedgerFull("the disk is full")
    with pytest.raises(LedgerUnavailable, match="is issued, but that is not on record yet: the disk is full"):
        await issue(up)
    assert (await standings(up))["big"].state is TargetState.WITHDRAWN
    ledger.fault = None
    await up.withdrawals.pay()
    await up.withdrawals.pay()
    assert [kind for kind, *_ in acts(ledger)] == ["directive.issue"]


async def test_nothing_comes_back_without_its_record(up: Operations, ledger: FakeLedger) -> None:
    directive = await issue(up)
    ledger.fault = LedgerFull("the disk is full")
    with pytest.raises(LedgerFull):
        await up.directing.lift(ById(id=directive["id"]), "local")
    assert await states(up) == {"big": "withdrawn"}


async def test_two_operators_sign_what_the_estate_asks_two_for(start: Any, ledger: FakeLedger) -> None:
    up = await start("[continuity]", "[continuity]\nsignatures = 2")
    directive = await issue(up, by="op_1")
    assert (directive["state"], await states(up)) == ("unconfirmed", {})
    sign = SignDirective(id=directive["id"], digest=directive["to_sign"])
    with pytest.raises(EstateError, match="a second signature is another operator's"):
        await up.directing.confirm(sign, "op_1")
    with pytest.raises(EstateError, match="is not what has this digest"):
        await up.directing.confirm(SignDirective(id=directive["id"], digest=f"sha256:{'0' * 64}"), "op_2")
    signed: Any = (await up.directing.confirm(sign, "op_2"))["directive"]
    assert (signed["state"], signed["confirmed_by"], await states(up)) == ("in force", ("op_2",), {"big": "withdrawn"})
    with pytest.raises(EstateError, match="waits for no signature"):
        await up.directing.confirm(sign, "op_3")

    asked: Any = (await up.directing.lift(ById(id=directive["id"]), "op_2"))["directive"]
    assert (asked["state"], asked["lifted"], await states(up)) == ("in force", None, {"big": "withdrawn"})
    with pytest.raises(EstateError, match="op_2 asked already to lift"):
        await up.directing.lift(ById(id=directive["id"]), "local")
    with pytest.raises(EstateError, match="is not what has this digest"):
        await up.directing.confirm(sign, "local")  # it signed the directive, not its lifting
    await up.directing.confirm(SignDirective(id=directive["id"], digest=asked["to_sign"]), "local")
    assert await states(up) == {}
    assert acts(ledger) == [
        ("directive.issue", directive["id"], "op_1"),
        ("directive.confirm", directive["id"], "op_2"),
        ("directive.lift", directive["id"], "op_2"),
        ("directive.confirm", directive["id"], "local"),
    ]
    assert [entry[3].keys() for entry in ledger.acts if entry[0] == "directive.confirm"] == [{"directive"}, {"lift"}]


async def test_a_directive_waits_for_its_hour_and_wakes_the_substitutes_before_it(
    up: Operations, clock: Clock, supervisor: FakeSupervisor, ledger: FakeLedger
) -> None:
    directive = await issue(up, effective=at(3600))
    assert (directive["state"], directive["effective"]) == ("scheduled", "2026-11-18T12:06:40Z")
    supervisor.woken.clear()
    clock.now_unix += 2999
    await up.withdrawals.turn()
    assert (supervisor.woken, await states(up)) == ([], {})
    clock.now_unix = NOW_UNIX + 3001
    await up.withdrawals.turn()
    await up.withdrawals.turn()
    await aside(up)
    assert supervisor.woken == ["local"]
    clock.now_unix = NOW_UNIX + 3600
    await up.withdrawals.turn()
    assert (await standings(up))["big"].since_unix == NOW_UNIX + 3600
    await up.withdrawals.pay()
    assert acts(ledger)[-1] == ("directive.effect", directive["id"], "control")


async def test_what_took_effect_survives_a_restart_and_a_clock_set_back(
    up: Operations, start: Any, clock: Clock
) -> None:
    directive = await issue(up, effective=at(60))
    clock.now_unix += 61
    again = await start()
    assert await states(again) == {"big": "withdrawn"}
    clock.now_unix = NOW_UNIX - 86_400
    for operations in (again, await start()):
        await operations.withdrawals.turn()
        assert await states(operations) == {"big": "withdrawn"}
    await operations.directing.lift(ById(id=directive["id"]), "local")
    assert await states(operations) == {}


async def test_a_time_that_is_over_is_now(up: Operations) -> None:
    directive = await issue(up, effective=at(-86_400))
    assert (directive["state"], directive["effective"]) == ("in force", directive["issued"])


async def test_a_scheduled_directive_that_is_lifted_never_has_effect(up: Operations, clock: Clock) -> None:
    directive = await issue(up, effective=at(60))
    await up.directing.lift(ById(id=directive["id"]), "local")
    clock.now_unix += 61
    await up.withdrawals.turn()
    assert await states(up) == {}
    with pytest.raises(EstateError, match="is lifted already"):
        await up.directing.lift(ById(id=directive["id"]), "local")


async def test_a_target_retires_on_its_day_and_a_clock_set_back_brings_it_back_no_more(
    start: Any, clock: Clock
) -> None:
    up = await start('model = "big-1"', 'model = "big-1"\nretires = "2026-11-19"')
    assert await states(up) == {}
    clock.now_unix += 86_400
    await up.withdrawals.turn()
    assert (await standings(up))["big"].state is TargetState.RETIRED
    clock.now_unix = NOW_UNIX
    with pytest.raises(EstateError, match="big is retired: 2026-11-19 has come"):
        await up.deciding.restore(RestoreTarget(name="big"), "local")
    assert await states(await start()) == {"big": "retired"}
    assert await states(await start('retires = "2026-11-19"', 'retires = "2027-01-01"')) == {}


@asynccontextmanager
async def gateway(parts: Parts) -> AsyncIterator[Callable[..., Any]]:
    """A gateway that has confirmed its snapshot. ``tell`` has it report, and waits until that was heard."""
    await parts.publisher.open(parts.estate.snapshot_socket)
    channel: Channel[Snapshot | Canary, GatewayReport] = await connect(parts.estate.snapshot_socket, Snapshot | Canary)

    async def tell(*evidence: Evidence, answered: tuple[str, ...] = (), outages: tuple[Outage, ...] = ()) -> None:
        before = len(parts.publisher._news)
        report = GatewayReport(
            gateway="g1", snapshot_version=10**6, evidence=evidence, answered=answered, outages=outages
        )
        await channel.send(report)
        async with asyncio.timeout(60):
            while len(parts.publisher._news) == before:
                await asyncio.sleep(0)

    tell.channel = channel  # type: ignore[attr-defined]  # for the test that reads it
    try:
        yield tell
    finally:
        channel.close()
        parts.publisher.close()


def refused(key: str, target: str = "big") -> Evidence:
    return Evidence(target=target, key_id=key, status=404, legal=False, at_unix=NOW_UNIX)


async def test_what_looks_withdrawn_gets_no_call_until_a_person_has_decided(
    up: Operations, parts: Parts, ledger: FakeLedger, supervisor: FakeSupervisor, clock: Clock
) -> None:
    async with gateway(parts) as tell:
        await tell(refused("key_1"), refused("key_2"), refused("key_2"), answered=("small",))
        await up.withdrawals.turn()
        assert (await standings(up))["big"].state is TargetState.SUSPECTED
        await aside(up)
        assert "local" in supervisor.woken
        views: Any = (await up.deciding.list_targets(Nothing(), "local"))["targets"]
        (big,) = [view for view in views if view["target"] == "big"]
        assert [(seen["key"], seen["count"], seen["statuses"]) for seen in big["evidence"]] == [
            ("key_1", 1, (404,)),
            ("key_2", 2, (404,)),
        ]
        (check,) = up.deciding.checks()
        assert "big looks withdrawn" in check.what
        await up.withdrawals.pay()
        assert acts(ledger) == [("target.suspect", "big", "control")]
        await up.deciding.restore(RestoreTarget(name="big"), "op_1")
        await up.withdrawals.turn()
        assert await states(up) == {}
        await tell(refused("key_1"))
        await up.withdrawals.turn()
        assert await states(up) == {}


async def test_a_suspicion_that_is_confirmed_is_a_withdrawal(up: Operations, parts: Parts) -> None:
    async with gateway(parts) as tell:
        await tell(refused("key_1"), refused("key_2"), answered=("small",))
        await up.withdrawals.turn()
        await up.deciding.withdraw(WithdrawTarget(name="big", reason="it is gone"), "op_1")
        assert await states(up) == {"big": "withdrawn"}
        await up.deciding.restore(RestoreTarget(name="big"), "op_1")
        assert await states(up) == {}


async def test_one_key_alone_has_a_canary_sent_and_no_more_than_that(
    up: Operations, parts: Parts, clock: Clock
) -> None:
    async with gateway(parts) as tell:
        for _ in range(5):
            await tell(refused("key_1"), answered=("small",))
            await up.withdrawals.turn()
        assert await states(up) == {}
        async with asyncio.timeout(60):
            snapshot, canary = [await tell.channel.receive() for _ in range(2)]  # type: ignore[attr-defined]
        assert (isinstance(snapshot, Snapshot), canary) == (True, Canary(target="big"))
        await tell(refused(CANARY_KEY))
        await up.withdrawals.turn()
        assert await states(up) == {"big": "suspected"}


async def test_an_outage_is_shown_with_the_gateway_that_found_it_and_is_no_decision(
    up: Operations, parts: Parts
) -> None:
    async with gateway(parts) as tell:
        await tell(outages=(Outage(target="near", since_unix=NOW_UNIX, error="provider_busy", faults=4),))
        await up.withdrawals.turn()
        assert await states(up) == {"near": "degraded"}
        assert await standings(up) == {}


async def test_a_suspicion_is_still_there_when_a_directive_on_it_is_lifted(up: Operations, parts: Parts) -> None:
    async with gateway(parts) as tell:
        await tell(refused("key_1"), refused("key_2"), answered=("small",))
        await up.withdrawals.turn()
        directive = await issue(up)
        assert await states(up) == {"big": "withdrawn"}
        await up.directing.lift(ById(id=directive["id"]), "local")
        assert await states(up) == {"big": "suspected"}


async def test_a_silent_ledger_keeps_nothing_from_its_hour(up: Operations, ledger: FakeLedger, clock: Clock) -> None:
    first = await issue(up, effective=at(10))
    await issue(up, kind="provider", name="paris", effective=at(20))
    ledger.silent = True
    clock.now_unix += 10
    await up.withdrawals.turn()
    clock.now_unix += 10
    await up.withdrawals.turn()
    assert await states(up) == {"big": "withdrawn", "near": "withdrawn"}
    ledger.silent = False
    await up.withdrawals.pay()
    assert ("directive.effect", first["id"], "control") in acts(ledger)


async def test_status_and_doctor_show_what_is_in_force(up: Operations, steps: Steps) -> None:
    directive = await issue(up, effective=at(60))
    status: Any = (await up.status(Nothing(), steps.asker()))["status"]
    assert [row["id"] for row in status["directives"]] == [directive["id"]]
    assert {row["target"]: row["standing"] for row in status["targets"]}["big"] == "active"
    (check,) = up.deciding.checks()
    assert "is scheduled for" in check.what
