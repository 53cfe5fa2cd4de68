# SPDX-License-Identifier: Apache-2.0
import pytest
from tests.unit.admin.conftest import look

from freehold.admin.api import Api
from freehold.errors import NotFound


async def test_facts_come_with_their_sources(foreign_api: Api) -> None:
    austin = (await look(foreign_api, "facts/austin"))["facts"]
    assert "US" in austin["authorities"]
    assert austin["chain"][0]["source"]
    assert any(row["name"] == "austin" for row in (await look(foreign_api, "providers", limit=1000))["providers"])


async def test_nobody_but_the_estate_can_be_compelled_over_its_own_engines(foreign_api: Api) -> None:
    own = (await look(foreign_api, "facts/self"))["facts"]
    assert (own["owned"], own["authorities"], own["retention_days"]) == (True, [], 0)


async def test_a_provider_that_is_not_known_has_neighbours(foreign_api: Api) -> None:
    with pytest.raises(NotFound, match="there is no provider 'austn'") as caught:
        await look(foreign_api, "facts/austn")
    assert "austin" in caught.value.advice
