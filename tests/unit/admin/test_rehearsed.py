# SPDX-License-Identifier: Apache-2.0
import asyncio

from tests.unit.admin.conftest import look
from tests.unit.continuity.test_drill_compared import scorecard

from freehold.admin.api import Api
from freehold.continuity.drill.kept import keep
from freehold.contract.estate import Estate


async def test_drills_come_newest_first_and_in_short(foreign_api: Api, estate: Estate) -> None:
    for number in range(3):
        card = scorecard(f"drill_{number:012x}", began=f"2026-11-2{number}T00:00:00Z")
        await asyncio.to_thread(keep, estate.drills, card)
    found = await look(foreign_api, "drills", limit=2)
    assert [row["began"][8:10] for row in found["drills"]] == ["22", "21"]
    assert not {"seconds", "happened"} & found["drills"][0].keys()
    whole = (await look(foreign_api, f"drills/{found['drills'][0]['id']}"))["drill"]
    assert whole["seconds"]
    compared = await look(foreign_api, "drills/compare", a="drill_000000000000", b="drill_000000000001")
    assert compared["comparison"]["a"]["id"] == "drill_000000000000"


async def test_scenarios_say_what_they_do(foreign_api: Api) -> None:
    found = (await look(foreign_api, "scenarios"))["scenarios"]
    june = next(scenario for scenario in found if scenario["name"] == "june-2026")
    assert june["steps"][0]["what"]
