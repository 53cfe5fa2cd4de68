# SPDX-License-Identifier: Apache-2.0
"""What status and doctor say of the loss of a provider, in an estate with real files and rules."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from tests.unit.admin.conftest import NOW_UNIX, FakeSupervisor, Steps
from tests.unit.admin.test_providers import configure

from freehold.admin.interface import Parts
from freehold.admin.operations import Asker, Operations
from freehold.admin.publish import Publisher
from freehold.admin.requests import Nothing
from freehold.contract.estate import Estate
from freehold.contract.report import GatewayReport, TargetLoad
from freehold.settings import read_settings


@pytest.fixture
def asker(steps: Steps) -> Asker:
    return steps.asker()


class Reporting(Publisher):
    """A publisher with two gateways, both with calls of the provider's target."""

    @property
    def reports(self) -> tuple[GatewayReport, ...]:
        load = (TargetLoad(target="there", in_flight=2),)
        return tuple(GatewayReport(gateway=name, snapshot_version=1, load=load) for name in ("a", "b"))


@pytest.fixture
def operations(estate: Estate, parts: Parts, supervisor: FakeSupervisor) -> Callable[[], Operations]:
    """Made once a test has changed the configuration; the engine has three slots."""
    supervisor.engines = tuple(replace(engine, slots=3, queue=4) for engine in supervisor.engines)
    reporting = replace(parts, publisher=Reporting())
    return lambda: Operations(reporting, read_settings(estate.settings), now_unix=lambda: NOW_UNIX)


async def readiness(operations: Operations, asker: Asker) -> Any:
    await operations.start()
    return msgspec.to_builtins((await operations.status(Nothing(), asker))["status"])["readiness"]


async def doctored(operations: Operations, asker: Asker) -> list[Any]:
    await operations.start()
    checks: Any = msgspec.to_builtins((await operations.doctor(Nothing(), asker))["checks"])
    return [check for check in checks if check["name"] == "readiness"]


def prefer(estate: Estate, targets: str) -> None:
    text = estate.settings.read_text()
    estate.settings.write_text(text.replace('targets = ["local", "there"]', f"targets = [{targets}]"))


async def test_a_new_estate_can_lose_nobody(operations: Callable[[], Operations], asker: Asker) -> None:
    assert await readiness(operations(), asker) == {"owned_only": True, "losses": []}
    assert await doctored(operations(), asker) == []


async def test_the_load_that_every_gateway_measures_lands_on_the_engine(
    estate: Estate, operations: Callable[[], Operations], asker: Asker
) -> None:
    configure(estate, set_name="open")
    prefer(estate, '"there", "local"')
    told = await readiness(operations(), asker)
    assert [(loss["kind"], loss["name"]) for loss in told["losses"]] == [("provider", "paris"), ("authority", "FR")]
    (verdict,) = told["losses"][0]["services"]
    assert (verdict["service"], verdict["fate"], verdict["target"]) == ("default", "survives with queueing", "local")
    assert verdict["reason"] == "local takes over: 3 slots for 4 calls as of now, so 1 would wait"
    (check,) = await doctored(operations(), asker)
    assert (check["finding"], check["what"]) == ("ok", "no service would stop if paris left")


async def test_doctor_warns_of_a_service_that_stops_with_one_provider(
    estate: Estate, operations: Callable[[], Operations], asker: Asker
) -> None:
    configure(estate, set_name="open")
    prefer(estate, '"there"')
    (check,) = await doctored(operations(), asker)
    assert check["finding"] == "warn"
    assert check["what"] == "if paris left, default would stop: it has no other target"


async def test_a_provider_that_the_rules_keep_out_is_missed_by_nobody(
    estate: Estate, operations: Callable[[], Operations], asker: Asker
) -> None:
    configure(estate, set_name="owned-only")
    prefer(estate, '"there", "local"')
    (verdict,) = (await readiness(operations(), asker))["losses"][0]["services"]
    assert (verdict["fate"], verdict["touched"], verdict["target"]) == ("survives", False, "local")
