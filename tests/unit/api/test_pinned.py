# SPDX-License-Identifier: Apache-2.0
"""Who may answer: substitutes that have passed, and the one target that a call is to judge."""

from collections.abc import Iterator
from dataclasses import replace

from tests.law_builder import law, operator
from tests.unit.api.test_gateway import SNAPSHOT, TARGET, Answer, House, key

from freehold.contract.backend import BackendKind, Model, Service, Target
from freehold.contract.call import DataClass
from freehold.contract.snapshot import Snapshot
from freehold.errors import EngineUnavailable, FreeholdError

SPARE = replace(TARGET, name="spare")
ABROAD = Target(
    name="abroad", kind=BackendKind.PROVIDER, model=Model(name="m", digest=""), operator="vendor", authorities=("US",)
)


def house(*, unqualified: tuple[str, ...] = (), fails: tuple[str, ...] = ()) -> House:
    """Three targets, of which the law permits the estate's own two."""
    made = House()
    answers: Iterator[Answer | FreeholdError] = iter([EngineUnavailable("down"), Answer()])
    if fails:
        made.engine.answer = lambda: next(answers)
    service = Service(
        name="default",
        data_class=DataClass.INTERNAL,
        targets=("local", "spare", "abroad"),
        aliases=("gpt-*",),
        unqualified=unqualified,
    )
    made.gateway.configure(
        Snapshot(
            version=8,
            services=(service,),
            targets=(TARGET, SPARE, ABROAD),
            keys=(*SNAPSHOT.keys, key("judge", pins_target=True, services=("default",))),
            law=law(facts=(operator("vendor", "US"),)),
        )
    )
    return made


def decided(house: House) -> list[str]:
    (admission,) = house.admissions
    return [target.name for target in admission.targets]


async def test_a_target_that_has_not_passed_stands_in_for_no_other() -> None:
    here = house(unqualified=("spare",), fails=("local",))
    server = await here.ask()
    assert (server.status, server.json["error"]["code"]) == (503, "engine_unavailable")
    assert decided(here) == ["local", "spare", "abroad"], "the decision names every target"


async def test_a_target_that_has_passed_stands_in() -> None:
    server = await house(fails=("local",)).ask()
    assert (server.status, server.headers["freehold-target"]) == (200, "spare")


async def test_a_call_that_judges_a_target_is_answered_by_that_one_alone() -> None:
    here = house(unqualified=("spare",))
    server = await here.ask(authorization="Bearer judge", freehold_target="spare")
    assert (server.status, server.headers["freehold-target"]) == (200, "spare")
    assert decided(here) == ["local", "spare", "abroad"]
    failing = house(fails=("spare",))
    assert (await failing.ask(authorization="Bearer judge", freehold_target="spare")).status == 503


async def test_a_target_that_no_rule_permits_is_not_judged() -> None:
    here = house()
    server = await here.ask(authorization="Bearer judge", freehold_target="abroad")
    assert (server.status, server.json["error"]["code"]) == (403, "policy_denied")
    assert here.engine.bodies == []
    assert [outcome.error for outcome in here.outcomes] == ["policy_denied"]


async def test_the_judges_key_names_a_target_of_the_service_always() -> None:
    for headers in ({}, {"freehold_target": "elsewhere"}):
        server = await house().ask(authorization="Bearer judge", **headers)
        assert (server.status, server.json["error"]["code"]) == (400, "invalid_request")


async def test_what_another_key_says_of_the_target_is_not_looked_at() -> None:
    for target in ("spare", "abroad", "elsewhere"):
        server = await house(unqualified=("spare",)).ask(freehold_target=target)
        assert (server.status, server.headers["freehold-target"]) == (200, "local")


async def test_verdicts_that_are_remembered_are_of_every_target() -> None:
    here = house()
    await here.ask(authorization="Bearer judge", freehold_target="spare")
    server = await here.ask(authorization="Bearer judge", freehold_target="local")
    assert server.headers["freehold-target"] == "local"
