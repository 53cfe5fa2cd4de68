# SPDX-License-Identifier: Apache-2.0
import pytest
from tests.unit.admin.conftest import FakeSupervisor, look

from freehold.admin.api import Api
from freehold.contract.backend import EngineState, EngineStatus
from freehold.errors import NotFound


async def test_a_service_says_who_answers_and_who_would(foreign_api: Api) -> None:
    desk = (await look(foreign_api, "services/desk"))["service"]
    assert [(row["target"], row["allowed"], row["answers"]) for row in desk["targets"]] == [
        ("big", False, False),
        ("local", True, True),
    ]
    assert (desk["answered_by"], desk["then"], desk["aliases"]) == ("local", [], ["desk-*"])
    site = (await look(foreign_api, "services/site"))["service"]
    assert (site["answered_by"], site["then"]) == ("big", ["local"])


async def test_what_is_withdrawn_answers_nobody(foreign_api: Api) -> None:
    order = {"kind": "provider", "name": "austin", "reason": "x", "source": "https://example.org/1"}
    await foreign_api.ask("POST", "directives", order, "local")
    site = (await look(foreign_api, "services/site"))["service"]
    assert (site["targets"][0]["state"], site["answered_by"]) == ("withdrawn", "local")


async def test_an_engine_that_is_not_ready_answers_nobody(foreign_api: Api, supervisor: FakeSupervisor) -> None:
    supervisor.engines = (EngineStatus(target="local", state=EngineState.FAILED),)
    assert (await look(foreign_api, "services/desk"))["service"]["answered_by"] is None


async def test_a_service_that_is_not_there_is_not_found(foreign_api: Api) -> None:
    with pytest.raises(NotFound, match="there is no service 'shop'; there are: default, desk, site"):
        await look(foreign_api, "services/shop")
