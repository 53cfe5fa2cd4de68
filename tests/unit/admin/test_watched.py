# SPDX-License-Identifier: Apache-2.0
"""/metrics, /healthz and /readyz behind a real server: who may read them, and what they say of an estate that ails."""

import asyncio
import http.client
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests import ports
from tests.unit.admin.conftest import FakeLedger, FakeSupervisor

from freehold.admin.doors import AdminPort, ControlSocket, Door
from freehold.admin.interface import Parts
from freehold.admin.operations import Operations
from freehold.admin.requests import CreateOperator
from freehold.admin.vital_signs import metrics, reasons
from freehold.admin.watched import PATHS, Watched
from freehold.bootstrap.control import serving_on_port
from freehold.contract.backend import EngineState, EngineStatus
from freehold.contract.report import GatewayReport
from freehold.contract.signals import Measured, Series
from freehold.errors import LedgerUnavailable
from freehold.signals.catalogue import CALLS, COUNTED, ESTATE, NOW


class Asked:
    def __init__(self, port: int) -> None:
        self._port = port

    async def get(self, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], str]:
        def ask() -> tuple[int, dict[str, str], str]:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
            while connection.sock is None:  # until the server listens
                with suppress(ConnectionRefusedError):
                    connection.connect()
            try:
                sent = {name.replace("_", "-"): value for name, value in headers.items()}
                connection.request(method, path, headers=sent)
                answer = connection.getresponse()
                said = {name.lower(): value for name, value in answer.getheaders()}
                return answer.status, said, answer.read().decode()
            finally:
                connection.close()

        return await asyncio.to_thread(ask)


@asynccontextmanager
async def watched(operations: Operations, door: Door, *, is_open: bool = True) -> AsyncIterator[Asked]:
    port = ports.free_port()
    app: Any = Watched(operations, door, is_open=is_open)
    app.stop = lambda: None
    async with serving_on_port(app, "127.0.0.1", port):
        yield Asked(port)


async def with_a_gateway(operations: Operations, parts: Parts, version: int = 10**6) -> None:
    """The estate as it has begun, and as if a gateway were connected that has the newest snapshot, or an old one."""
    await operations.start()
    parts.publisher._reports[object()] = GatewayReport(gateway="g", snapshot_version=version, detected={"iban": 2})  # type: ignore[index]


async def samples(operations: Operations) -> dict[tuple[str, ...], float]:
    door = ControlSocket()
    async with watched(operations, door) as asked:
        status, _, text = await asked.get("/metrics")
    assert status == 200
    families = list(text_string_to_metric_families(text))
    known = {*COUNTED, *NOW, *ESTATE}
    assert {family.name for family in families} <= known
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


async def test_the_estate_is_told_in_numbers(operations: Operations, parts: Parts) -> None:
    await with_a_gateway(operations, parts)
    parts.publisher.totals.take(
        Measured("g", 10.0**10, (Series(CALLS.name, ("default", "local", "complete"), (3.0,)),), ())
    )
    found = await samples(operations)
    assert found["freehold_calls_total", "complete", "default", "local"] == 3
    assert found["freehold_ready",] == 1
    assert found["freehold_part_up", "ledger"] == 1
    assert found["freehold_engine_state", "ready", "local"] == 1
    assert found["freehold_target_state", "active", "local"] == 1
    assert found["freehold_ledger_lag_entries",] >= 0
    assert found["freehold_detected", "iban"] == 2
    assert found["freehold_gateways", "newest"] == 1


async def test_a_part_that_does_not_answer_is_told_as_such_and_the_rest_all_the_same(
    operations: Operations, parts: Parts, ledger: FakeLedger
) -> None:
    await with_a_gateway(operations, parts)
    ledger.fault = LedgerUnavailable("away")
    found = await samples(operations)
    assert found["freehold_part_up", "ledger"] == 0
    assert found["freehold_ready",] == 0
    assert ("freehold_ledger_entries",) not in found
    assert found["freehold_engine_state", "ready", "local"] == 1


async def test_ready_is_said_with_200_and_not_ready_with_503_and_why(
    operations: Operations, parts: Parts, ledger: FakeLedger
) -> None:
    await operations.start()
    async with watched(operations, ControlSocket()) as asked:
        status, _, body = await asked.get("/readyz")
        assert (status, json.loads(body)["reasons"]) == (503, ["no gateway has the newest configuration"])
        operations.vital_signs._newest = None
        await with_a_gateway(operations, parts)
        assert (await asked.get("/readyz"))[0] == 200
        operations.vital_signs._newest = None
        ledger.fault = LedgerUnavailable("away")
        status, _, body = await asked.get("/readyz")
        assert (status, json.loads(body)["reasons"]) == (503, ["the ledger does not answer"])
        assert (await asked.get("/healthz"))[::2] == (200, '{"status":"ok"}')


@pytest.mark.parametrize("ailing", [EngineState.STARTING, EngineState.RESTARTING, EngineState.FAILED])
async def test_a_service_whose_engine_is_not_up_is_named(
    operations: Operations, parts: Parts, supervisor: FakeSupervisor, ailing: EngineState
) -> None:
    await with_a_gateway(operations, parts)
    supervisor.engines = (EngineStatus(target="local", state=ailing),)
    assert reasons(await operations.vital_signs.now()) == ["service default: no target is fit to answer"]


async def test_an_engine_that_sleeps_is_woken_by_a_call(
    operations: Operations, parts: Parts, supervisor: FakeSupervisor
) -> None:
    await with_a_gateway(operations, parts)
    supervisor.engines = (EngineStatus(target="local", state=EngineState.ASLEEP),)
    assert not reasons(await operations.vital_signs.now())


async def test_a_gateway_with_an_older_snapshot_is_not_ready(operations: Operations, parts: Parts) -> None:
    await with_a_gateway(operations, parts, version=0)
    assert "no gateway has the newest configuration" in reasons(await operations.vital_signs.now())


async def test_a_full_disk_and_a_copy_are_reasons(operations: Operations, parts: Parts) -> None:
    await with_a_gateway(operations, parts)
    signs = await operations.vital_signs.now()
    assert signs.ledger is not None

    for change in ({"full": True}, {"away": "it was copied"}):
        assert reasons(replace(signs, ledger=msgspec.structs.replace(signs.ledger, **change)))


async def test_on_another_machines_port_numbers_and_reasons_are_for_operators(
    operations: Operations, parts: Parts
) -> None:
    await with_a_gateway(operations, parts)
    created = await operations.keyring.create_operator(CreateOperator(label="prometheus"), "local")
    token = created["operator"]["token"]  # type: ignore[index]
    async with watched(operations, AdminPort(parts.state, host="127.0.0.1"), is_open=False) as asked:
        assert (await asked.get("/metrics"))[0] == 401
        assert (await asked.get("/metrics", authorization="Bearer fho_nonsense"))[0] == 401
        assert (await asked.get("/metrics", authorization=f"Bearer {token}"))[0] == 200
        assert json.loads((await asked.get("/readyz"))[2]) == {"status": "ready"}
        assert json.loads((await asked.get("/readyz", authorization=f"Bearer {token}"))[2])["reasons"] == []
        assert (await asked.get("/healthz"))[0] == 200


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "headers",
    [{"host": "evil.example"}, {"origin": "http://evil.example"}, {"sec_fetch_site": "cross-site"}],
)
async def test_no_page_of_another_origin_reads_any_of_it(
    operations: Operations, parts: Parts, path: str, headers: dict[str, str]
) -> None:
    async with watched(operations, AdminPort(parts.state, host="127.0.0.1")) as asked:
        status, _, body = await asked.get(path, **headers)
        assert status == 403
        assert "freehold_ready" not in body


@pytest.mark.parametrize("header", ["x_forwarded_for", "forwarded", "via", "x_real_ip"])
async def test_what_came_through_a_proxy_is_not_from_this_machine(
    operations: Operations, parts: Parts, header: str
) -> None:
    async with watched(operations, AdminPort(parts.state, host="127.0.0.1")) as asked:
        assert (await asked.get("/metrics", **{header: "203.0.113.7"}))[0] == 401


@pytest.mark.parametrize("path", PATHS)
async def test_nothing_is_changed_by_asking(operations: Operations, path: str) -> None:
    async with watched(operations, ControlSocket()) as asked:
        status, headers, body = await asked.get(path, method="POST")
    assert (status, headers["content-type"], json.loads(body)["code"]) == (
        405,
        "application/problem+json",
        "method_not_allowed",
    )


async def test_whoever_asks_often_asks_the_parts_once(operations: Operations, supervisor: FakeSupervisor) -> None:
    signs = await asyncio.gather(*(operations.vital_signs.now() for _ in range(20)))
    assert len({id(one) for one in signs}) == 1


async def test_names_come_from_the_configuration_alone(operations: Operations, parts: Parts) -> None:
    rows = list(metrics(await operations.vital_signs.now()))
    assert {row.metric.name for row in rows} <= ESTATE.keys()
    for row in rows:
        assert all(len(labels) == len(row.metric.labels) for labels, _ in row.rows)
