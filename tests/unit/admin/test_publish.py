# SPDX-License-Identifier: Apache-2.0
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from freehold.admin.keys import KeyRecord
from freehold.admin.publish import Publisher, compose
from freehold.channel import Channel, connect
from freehold.contract.backend import BackendKind
from freehold.contract.call import DataClass
from freehold.contract.law import Law
from freehold.contract.report import GatewayReport
from freehold.contract.signals import Measured, Series, Signals, Tracing
from freehold.contract.snapshot import Capacity, Snapshot
from freehold.settings import parse_settings
from freehold.vault import Manifest
from freehold.vault.manifest import ModelFile

SETTINGS = parse_settings(
    """
    [estate]
    origin = "freehold.local/0"
    [gateway]
    requests_per_minute = 120
    max_body_mb = 2
    max_calls = 5
    max_waiting = 4
    max_wait_s = 3.0
    max_held_mb = 2
    body_within_s = 1.5
    taken_within_s = 0.5
    [service.default]
    targets = ["local", "spare"]
    aliases = ["gpt-*"]
    data_class = "personal"
    purpose = "support"
    [target.local]
    engine = "llamacpp"
    model = "here"
    [target.spare]
    engine = "llamacpp"
    model = "missing"
    """
)
LAW = Law(set="owned-only", policy_digest="sha256:01", facts_digest="sha256:02")
HERE = Manifest(
    name="here",
    digest="sha256:" + "cd" * 32,
    size_bytes=1,
    files=(ModelFile(path="here.gguf", digest="sha256:" + "cd" * 32, size_bytes=1),),
    title="",
    architecture="llama",
    parameters=1,
    quantisation="",
    context_train_tokens=1,
    chat_template_digest="",
    tokenizer="",
    licence="Apache-2.0",
    origin="",
    imported_at="2026-11-22T00:00:00Z",
)
KEY = KeyRecord(
    id="key_1",
    label="said by a person",
    secret_sha256="ab" * 32,
    services=("default",),
    data_class=DataClass.PERSONAL,
    created_unix=1.0,
)

GatewayEnd = Channel[Snapshot, GatewayReport]


def snapshot_of(*keys: KeyRecord, version: int = 1) -> Snapshot:
    return compose(SETTINGS, keys, {"here": HERE}, LAW, version=version, now_unix=100.0)


def test_a_snapshot_holds_what_a_call_needs() -> None:
    snapshot = snapshot_of(KEY)
    (service,), (local, spare) = snapshot.services, snapshot.targets
    assert (service.name, service.targets, service.aliases) == ("default", ("local", "spare"), ("gpt-*",))
    assert service.data_class is DataClass.PERSONAL
    assert (local.kind, local.operator, local.model.digest) == (BackendKind.ENGINE, "self", HERE.digest)
    assert (spare.model.name, spare.model.digest, spare.licence) == ("missing", "", "")
    assert (service.purpose, local.licence) == ("support", "Apache-2.0")
    assert snapshot.law == LAW
    assert snapshot.max_body_bytes == 2 * 2**20
    assert snapshot.capacity == Capacity(calls=5, waiting=4, wait_s=3.0, held_bytes=2 * 2**20, body_s=1.5, taking_s=0.5)


def test_a_key_without_a_rate_has_the_gateways() -> None:
    keys = snapshot_of(KEY, replace(KEY, id="key_2", requests_per_minute=7)).keys
    assert [key.requests_per_minute for key in keys] == [120, 7]


def test_keys_that_are_worth_nothing_stay_at_home() -> None:
    expired, revoked = replace(KEY, id="key_2", expires_unix=99.0), replace(KEY, id="key_3", revoked_unix=1.0)
    assert [key.id for key in snapshot_of(KEY, expired, revoked).keys] == ["key_1"]


@asynccontextmanager
async def publishing(tmp_path: Path, confirmed_within_s: float = 5.0) -> AsyncIterator[tuple[Publisher, Path]]:
    publisher, socket = Publisher(confirmed_within_s=confirmed_within_s), tmp_path / "snapshot.sock"
    await publisher.open(socket)
    try:
        yield publisher, socket
    finally:
        publisher.close()


async def confirm(gateway: GatewayEnd, name: str = "gateway") -> Snapshot:
    """What a gateway does: take the next snapshot, and say so."""
    snapshot = await gateway.receive()
    gateway.post(GatewayReport(gateway=name, snapshot_version=snapshot.version))
    return snapshot


async def test_without_gateways_a_snapshot_is_in_force_at_once(tmp_path: Path) -> None:
    async with publishing(tmp_path) as (publisher, _):
        assert await publisher.publish(snapshot_of(KEY))


async def test_a_gateway_that_comes_later_gets_the_newest(tmp_path: Path) -> None:
    async with publishing(tmp_path) as (publisher, socket):
        await publisher.publish(snapshot_of(version=1))
        await publisher.publish(snapshot_of(KEY, version=2))
        gateway: GatewayEnd = await connect(socket, Snapshot)
        assert await confirm(gateway) == snapshot_of(KEY, version=2)
        gateway.close()


async def test_publishing_returns_once_every_gateway_has_it(tmp_path: Path) -> None:
    async with publishing(tmp_path) as (publisher, socket):
        await publisher.publish(snapshot_of(KEY, version=1))
        gateways: list[GatewayEnd] = [await connect(socket, Snapshot) for _ in range(2)]
        for number, gateway in enumerate(gateways):
            await confirm(gateway, f"gateway-{number}")
        revoking = asyncio.create_task(publisher.publish(snapshot_of(version=2)))
        assert (await confirm(gateways[0], "gateway-0")).keys == ()
        await asyncio.sleep(0)
        assert not revoking.done()
        await confirm(gateways[1], "gateway-1")
        assert await revoking
        assert [(report.gateway, report.snapshot_version) for report in publisher.reports] == [
            ("gateway-0", 2),
            ("gateway-1", 2),
        ]
        for gateway in gateways:
            gateway.close()


async def test_a_gateway_that_does_not_confirm_is_told_of(tmp_path: Path) -> None:
    async with publishing(tmp_path, confirmed_within_s=0.05) as (publisher, socket):
        await publisher.publish(snapshot_of(version=1))
        gateway: GatewayEnd = await connect(socket, Snapshot)
        await gateway.receive()
        assert not await publisher.publish(snapshot_of(version=2))
        gateway.close()


async def test_a_gateway_that_goes_away_is_not_waited_for(tmp_path: Path) -> None:
    async with publishing(tmp_path) as (publisher, socket):
        await publisher.publish(snapshot_of(version=1))
        gateway: GatewayEnd = await connect(socket, Snapshot)
        await confirm(gateway)
        publication = asyncio.create_task(publisher.publish(snapshot_of(version=2)))
        await gateway.receive()
        gateway.close()
        assert await publication
        assert publisher.reports == ()


@pytest.mark.parametrize("bytes_", [b"\xff\xff\xff\xff", b"\x00\x00\x00\x01\xc1"])
async def test_what_is_no_report_ends_the_connection(tmp_path: Path, bytes_: bytes) -> None:
    async with publishing(tmp_path) as (publisher, socket):
        reader, writer = await asyncio.open_unix_connection(str(socket))
        writer.write(bytes_)
        assert await reader.read() == b""
        writer.close()
        assert await publisher.publish(snapshot_of())


TRACED = """
    [signals]
    traces = "http://127.0.0.1:4318"
    trace_share = 0.5
    take_traceparent = true
    [log]
    calls = true
    [grant.collector]
    for = "telemetry"
    hosts = ["127.0.0.1:4318"]
"""


def test_gateways_hear_what_is_to_be_told_of_calls() -> None:
    assert signals("") == Signals()
    assert signals("[signals]\nmetrics = false\n") == Signals(metrics=False)
    tracing = Tracing(url="http://127.0.0.1:4318", share=0.5, takes_parent=True)
    assert signals(TRACED) == Signals(log_calls=True, tracing=tracing)


@pytest.mark.parametrize(("purpose", "private"), [("telemetry", True), ("witness", False)])
def test_a_receiver_may_be_private_by_a_grant_of_its_own_kind_alone(purpose: str, private: bool) -> None:
    other = f'[grant.other]\nfor = "{purpose}"\nhosts = ["127.0.0.1:4318"]\nallow_private = true\n'
    tracing = signals(TRACED + other).tracing
    assert tracing is not None
    assert tracing.private is private


def signals(more: str) -> Signals:
    settings = parse_settings('[estate]\norigin = "a/b"\n[service.s]\ntargets = ["t"]\n' + TARGET + more)
    return compose(settings, (), {}, LAW, version=1, now_unix=0.0).signals


TARGET = '[target.t]\nengine = "llamacpp"\nmodel = "m"\n'


async def test_what_a_gateway_measures_is_added_up(tmp_path: Path) -> None:
    publisher = Publisher(now_unix=lambda: 100.0)
    await publisher.open(tmp_path / "snapshot.sock")
    channel: Channel[object, GatewayReport | Measured] = await connect(tmp_path / "snapshot.sock", Snapshot)
    requests = Series("freehold_requests", (), (5.0,))
    channel.post(Measured("g", 200.0, (requests,), ()))
    channel.post(GatewayReport(gateway="g", snapshot_version=0))
    await channel.drain()
    while not publisher.reports:
        await asyncio.sleep(0)
    assert next(rows for metric, rows in publisher.totals.counted() if metric.name == requests.metric) == [((), (5.0,))]
    channel.close()
    publisher.close()
