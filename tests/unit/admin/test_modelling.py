# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable
from pathlib import Path

from tests.unit.admin.conftest import look

from freehold.admin.api import Api


async def test_a_model_is_shown_with_who_vouches_for_it(foreign_api: Api, gguf: Callable[[], Path]) -> None:
    await foreign_api.ask("POST", "models", {"source": str(gguf()), "name": "tiny"}, "local")
    before = await look(foreign_api, "models/tiny")
    assert (before["approvals"], before["targets"], before["tunings"]) == ([], [], [])
    await foreign_api.ask("POST", "models/tiny/approve", {"reason": "read"}, "op_1", if_match=before["model"]["etag"])
    after = await look(foreign_api, "models/tiny")
    assert [(one["by"], one["reason"]) for one in after["approvals"]] == [("op_1", "read")]
    assert after["model"]["etag"] != before["model"]["etag"]
    (row,) = (await look(foreign_api, "models", full="true"))["models"]
    assert (row["may_run"], row["etag"]) == (True, after["model"]["etag"])
