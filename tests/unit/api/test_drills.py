# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

from tests.law_builder import law
from tests.unit.api.test_gateway import HELLO, SNAPSHOT, TARGET, House, key

from freehold.api.drills import drilled
from freehold.contract.backend import BackendKind, Model, Service, Target
from freehold.contract.call import DataClass
from freehold.contract.drill import Drill, Stage
from freehold.contract.facts import BackendFacts
from freehold.contract.law import RuleFile
from freehold.contract.standing import Standing, TargetState

WITHDRAWN = Standing(target="local", state=TargetState.WITHDRAWN, since_unix=1.0, directive="drill_1")
DRILL = Drill(id="drill_1", ends_unix=2e9, standings=(WITHDRAWN,))
DRILLING = replace(SNAPSHOT, keys=(*SNAPSHOT.keys, key("drill", drill="drill_1")), drill=DRILL)
SIMULATED = Target(name="simulated-1", kind=BackendKind.PROVIDER, model=Model(name="s", digest=""), operator="sim")
STAGE = Stage(
    services=(Service(name="simulated", data_class=DataClass.PUBLIC, targets=("simulated-1", "local")),),
    targets=(SIMULATED,),
    endpoints=(),
    facts=(BackendFacts(operator="sim", owned=False, authorities=()),),
    rules=RuleFile(name="drill.cedar", text='@id("d") permit (principal, action, resource);'),
)


async def test_a_directive_of_a_drill_befalls_its_own_calls_and_no_other() -> None:
    house = House()
    house.gateway.configure(DRILLING)
    theirs = await house.ask(authorization="Bearer drill")
    ours = await house.ask()
    assert (theirs.status, theirs.json["error"]["code"]) == (503, "no_target")
    assert ours.status == 200


async def test_the_key_of_a_drill_is_worth_nothing_once_the_drill_is_another() -> None:
    house = House()
    house.gateway.configure(replace(DRILLING, drill=replace(DRILL, id="drill_2")))
    assert (await house.ask(authorization="Bearer drill")).status == 401


async def test_the_key_of_a_drill_is_worth_nothing_without_one() -> None:
    house = House()
    house.gateway.configure(replace(DRILLING, drill=None))
    assert (await house.ask(authorization="Bearer drill")).status == 401


async def test_once_the_drill_lifts_its_directive_its_calls_are_answered() -> None:
    house = House()
    house.gateway.configure(DRILLING)
    house.gateway.configure(replace(DRILLING, drill=replace(DRILL, standings=())))
    assert (await house.ask(authorization="Bearer drill")).status == 200


async def test_the_service_of_a_drill_is_there_for_its_calls_alone() -> None:
    house = House()
    house.gateway.configure(replace(DRILLING, drill=replace(DRILL, standings=(), stage=STAGE)))
    asked = {**HELLO, "model": "simulated"}
    assert (await house.ask(asked)).status == 404
    assert (await house.ask(asked, authorization="Bearer drill")).status == 200
    (admission,) = house.admissions
    assert [target.name for target in admission.targets if target.allowed] == ["simulated-1", "local"]


def test_what_the_estate_has_withdrawn_a_drill_does_not_bring_back() -> None:
    real = replace(WITHDRAWN, directive="dir_1")
    seen = drilled(replace(SNAPSHOT, standings=(real,)), DRILL)
    assert seen.standings == (real,)


def test_a_stage_is_decided_by_its_own_rules_whatever_the_estates_forbid() -> None:
    snapshot = replace(SNAPSHOT, law=law())
    seen = drilled(snapshot, replace(DRILL, stage=STAGE))
    assert seen.law.files == (STAGE.rules,)
    assert seen.law.policy_digest != snapshot.law.policy_digest
    assert TARGET in seen.targets
