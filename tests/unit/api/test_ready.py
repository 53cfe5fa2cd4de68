# SPDX-License-Identifier: Apache-2.0
"""/healthz and /readyz of one gateway: alive is not the same as fit for a call, and nobody is told why."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.unit.api.test_gateway import Server, head
from tests.unit.api.test_standings import SNAPSHOT, Targets, standing

from freehold.api.gateway import Gateway
from freehold.api.ready import Readiness
from freehold.contract.snapshot import Snapshot
from freehold.ledger.fake import FakeLedger

READY, NOT_READY = (200, {"status": "ready"}), (503, {"status": "not ready"})


def gateway(snapshot: Snapshot | None = SNAPSHOT, reaches_ledger: Callable[[], bool] = lambda: True) -> Gateway:
    targets = Targets()
    made = Gateway("g", FakeLedger(), lambda _: targets, readiness=Readiness(reaches_ledger=reaches_ledger))
    if snapshot is not None:
        made.configure(snapshot)
    return made


async def told(by: Gateway, path: str, method: str = "GET") -> tuple[int, object]:
    server = Server(b"")
    await server.served_by(by, head(method, path, {}))
    return server.status, server.json


async def test_one_that_has_all_it_needs_is_ready_without_a_key() -> None:
    assert await told(gateway(), "/readyz") == READY
    assert await told(gateway(), "/healthz") == (200, {"status": "ok"})


async def test_one_without_a_configuration_is_alive_and_not_ready() -> None:
    starting = gateway(None)
    assert await told(starting, "/healthz") == (200, {"status": "ok"})
    assert await told(starting, "/readyz") == NOT_READY


async def test_one_that_stops_is_alive_and_not_ready() -> None:
    stopping = gateway()
    await stopping.drain(0)
    assert await told(stopping, "/healthz") == (200, {"status": "ok"})
    assert await told(stopping, "/readyz") == NOT_READY


async def test_without_the_ledger_no_call_is_admitted() -> None:
    assert await told(gateway(reaches_ledger=lambda: False), "/readyz") == NOT_READY


async def test_one_service_that_nobody_is_fit_for_is_enough() -> None:
    """``sole`` has one target."""
    assert await told(gateway(replace(SNAPSHOT, standings=(standing("one"),))), "/readyz") == NOT_READY


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_nothing_is_sent_to_them(path: str) -> None:
    status, _ = await told(gateway(), path, "POST")
    assert status == 405
