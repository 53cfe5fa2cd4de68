# SPDX-License-Identifier: Apache-2.0
"""Every answer is what the OpenAPI document says of it, field by field, and nothing besides."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from tests import ledger_builder
from tests.ledger_builder import KEY
from tests.unit.admin.record.conftest import acted, admitted, ended
from tests.unit.continuity.test_drill_compared import scorecard

from freehold.admin.api import Api, find
from freehold.admin.openapi import document
from freehold.admin.routes import ROOT, ROUTES
from freehold.continuity.drill.kept import keep
from freehold.contract.estate import Estate

ORDER = {"kind": "provider", "name": "austin", "reason": "an order", "source": "https://example.org/1"}


@pytest.fixture
async def api(foreign_api: Api, estate: Estate, gguf: Callable[[], Path]) -> Api:
    ledger_builder.write_log(estate.directory, [acted(), admitted(1), ended(1, 1), admitted(3, allowed=False)])
    estate.ledger_vkey.write_text(f"{KEY.vkey}\n")
    for number in range(2):
        await asyncio.to_thread(keep, estate.drills, scorecard(f"drill_{number:012x}"))
    await foreign_api.ask("POST", "models", {"source": str(gguf()), "name": "tiny"}, "local")
    return foreign_api


def require_as_told(method: str, path: str, answer: dict[str, Any]) -> None:
    """By the type, strictly; and by the document, as somebody else would."""
    route = find(method, ROOT + path).route
    msgspec.convert(answer, route.gives)
    told = json.loads(msgspec.json.encode(document(ROUTES)))
    operation = told["paths"][f"/{route.path}"][method.lower()]
    ((media, content),) = operation["responses"]["200"]["content"].items()
    line = {"result": answer} if media == "application/x-ndjson" else answer
    jsonschema_rs.validator_for({**content["schema"], "components": told["components"]}).validate(line)


ELSEWHERE = {"openapi.json", "drills/compare"}
PLAIN = [route.path for route in ROUTES if route.method == "GET" and "{" not in route.path]


@pytest.mark.parametrize("path", [path for path in PLAIN if path not in ELSEWHERE])
async def test_every_look_is_as_told(api: Api, path: str) -> None:
    await api.ask("POST", "keys", {"label": "x", "expires_in_s": 60}, "local")
    await api.ask("POST", "operators", {"label": "y"}, "local")
    await api.ask("POST", "directives", ORDER, "local")
    await api.ask("POST", "targets/local/withdraw", {"reason": "x"}, "op_1")
    require_as_told("GET", path, await api.ask("GET", path, {}, "local"))


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("drills/compare", {"a": "drill_000000000000", "b": "drill_000000000001"}),
        ("drills/drill_000000000000", {}),
        ("facts/self", {}),
        ("facts/austin", {}),
        ("facts/mistral", {}),
        ("services/desk", {}),
        ("targets/big", {}),
        ("models", {"full": "true"}),
        ("models/tiny", {}),
        ("models/tiny/tunings", {}),
        ("models/tiny/custody", {}),
        ("ledger/entries/1", {}),
        ("flows", {"from": "2026-01-01T00:00:00Z"}),
        ("usage", {"from": "2026-01-01T00:00:00Z"}),
        ("policy/matrix", {"providers": ["mistral"]}),
        ("problems/conflict", {}),
    ],
)
async def test_every_look_at_one_thing_is_as_told(api: Api, path: str, fields: dict[str, object]) -> None:
    require_as_told("GET", path, await api.ask("GET", path, fields, "local"))


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("doctor", {}),
        ("reload", {}),
        ("policy/check", {}),
        ("policy/explain", {"service": "desk", "backends": ["big", "local", "provider:mistral"]}),
        ("policy/prove", {"claims": ["no personal data under authority US"], "meaning": True}),
        ("egress/check", {}),
        ("keys", {}),
        ("operators", {}),
        ("directives", ORDER),
        ("directives/preview", ORDER),
        ("targets/big/withdraw", {"reason": "x", "dry_run": True}),
        ("targets/big/withdraw", {"reason": "x"}),
        ("models/tiny/verify", {}),
        ("models/tiny/approve", {}),
        ("models/tiny/sign", {}),
        ("models/tiny/remove", {}),
        ("ledger/verify", {}),
        ("ledger/fsck", {}),
        ("ledger/publish", {}),
        ("backups", {}),
    ],
)
async def test_every_act_is_answered_as_told(api: Api, path: str, fields: dict[str, object]) -> None:
    require_as_told("POST", path, await api.ask("POST", path, fields, "op_1"))


async def test_what_ends_is_answered_as_told(api: Api) -> None:
    key = (await api.ask("POST", "keys", {}, "op_1"))["key"]["id"]
    operator = (await api.ask("POST", "operators", {}, "op_1"))["operator"]["id"]
    directive = (await api.ask("POST", "directives", ORDER, "op_1"))["directive"]["id"]
    await api.ask("POST", "targets/big/withdraw", {"reason": "x"}, "op_1")
    for path in (
        f"keys/{key}/revoke",
        f"operators/{operator}/revoke",
        f"directives/{directive}/lift",
        "targets/big/restore",
    ):
        require_as_told("POST", path, await api.ask("POST", path, {}, "op_1"))
    for path in (f"keys/{key}", f"operators/{operator}", f"directives/{directive}"):
        require_as_told("GET", path, await api.ask("GET", path, {}, "op_1"))
