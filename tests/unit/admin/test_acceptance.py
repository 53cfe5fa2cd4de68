# SPDX-License-Identifier: Apache-2.0
"""Cases in force, who may stand in by them, and a run of them through a gateway that is played here."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.unit.admin.conftest import NOW_UNIX, FakeLedger, Steps

from freehold.admin.doctor import Finding, examine
from freehold.admin.interface import Parts
from freehold.admin.keys import digest_of
from freehold.admin.operations import Operations
from freehold.admin.requests import Nothing, QualifyTarget
from freehold.channel import Channel, connect
from freehold.continuity.acceptance import Qualification
from freehold.contract.estate import Estate
from freehold.contract.report import GatewayReport
from freehold.contract.snapshot import Snapshot
from freehold.errors import EstateError, InvalidRequest, LedgerFull, NotFound, SettingsError
from freehold.settings import read_settings

CASES = """
cases:
  - id: france
    prompt: The capital of France?
    checks: [contains: Paris, not_contains: Berlin]
  - id: germany
    prompt: The capital of Germany?
    checks: [contains: Berlin, not_contains: Paris]
"""
SPARE = '\n[target.spare]\nengine = "llamacpp"\nmodel = "spare-model"\n'


@pytest.fixture
def accepting(estate: Estate) -> Estate:
    """An estate with a second target, and cases for both."""
    text = estate.settings.read_text(encoding="utf-8").replace(
        'targets = ["local"]', 'targets = ["local", "spare"]\nacceptance = "acceptance/default.yaml"'
    )
    estate.settings.write_text(text + SPARE, encoding="utf-8")
    (estate.directory / "acceptance").mkdir()
    (estate.directory / "acceptance" / "default.yaml").write_text(CASES, encoding="utf-8")
    return estate


@pytest.fixture
async def operations(accepting: Estate, parts: Parts) -> Operations:
    settings = read_settings(accepting.settings)
    operations = Operations(parts, settings, now_unix=lambda: NOW_UNIX, recorded_within_s=0.05)
    await operations.start()
    return operations


def reply(text: str = "", **more: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"role": "assistant", "content": text, **more}, "finish_reason": "stop"}]}


def knows(asked: dict[str, Any]) -> tuple[int, object]:
    return 200, reply("Paris" if "France" in asked["messages"][-1]["content"] else "Berlin")


@dataclass
class PlayedGateway:
    """Confirms snapshots, and answers calls on the gateway's socket as ``answer`` says."""

    answer: Callable[[dict[str, Any]], tuple[int, object]] = knows
    snapshots: list[Snapshot] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @asynccontextmanager
    async def up(self, parts: Parts) -> AsyncIterator["PlayedGateway"]:
        parts.estate.run.mkdir(exist_ok=True)
        await parts.publisher.open(parts.estate.snapshot_socket)
        channel: Channel[Snapshot, GatewayReport] = await connect(parts.estate.snapshot_socket, Snapshot)
        following = asyncio.create_task(self._follow(channel))
        server = await asyncio.start_unix_server(self._serve, parts.estate.gateway_socket)
        while not parts.publisher.reports:
            await asyncio.sleep(0)
        try:
            yield self
        finally:
            server.close()
            following.cancel()
            channel.close()
            parts.publisher.close()

    async def _follow(self, channel: Channel[Snapshot, GatewayReport]) -> None:
        channel.post(GatewayReport(gateway="played", snapshot_version=0))
        async for snapshot in channel:
            self.snapshots.append(snapshot)
            channel.post(GatewayReport(gateway="played", snapshot_version=snapshot.version))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii").splitlines()
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        self.headers.append(headers)
        self.asked.append(json.loads(await reader.readexactly(int(headers["content-length"]))))
        status, said = self.answer(self.asked[-1])
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()


@pytest.fixture
async def gateway(parts: Parts, operations: Operations) -> AsyncIterator[PlayedGateway]:
    async with PlayedGateway().up(parts) as gateway:
        yield gateway


async def qualify(operations: Operations, steps: Steps, target: str | None = None) -> list[dict[str, Any]]:
    views: Any = await operations.qualify_targets(QualifyTarget(service="default", target=target), steps.asker())
    return list(views["qualifications"])


def passed(target: str, **more: Any) -> Qualification:
    values = {"passed": 2, "total": 2, "at_unix": NOW_UNIX, **more}
    return Qualification(service="default", target=target, operator="self", model_digest="", **values)


def unqualified(operations: Operations) -> tuple[str, ...]:
    return operations._composed(0).services[0].unqualified


async def test_only_the_first_target_answers_before_the_cases_were_run(operations: Operations) -> None:
    snapshot = operations._composed(0)
    assert snapshot.services[0].targets == ("local", "spare")
    assert snapshot.services[0].unqualified == ("spare",)


async def test_whoever_passes_may_stand_in_at_once_and_it_is_on_record(
    operations: Operations, gateway: PlayedGateway, ledger: FakeLedger, steps: Steps, parts: Parts
) -> None:
    (view,) = await qualify(operations, steps, "spare")
    assert (view["state"], view["passed"], view["total"]) == ("qualified", 2, 2)
    assert gateway.snapshots[-1].services[0].unqualified == ()
    ((kind, subject, operator, digests),) = ledger.acts
    assert (kind, subject, operator) == ("target.qualify", "default/spare", "local")
    assert digests.keys() == {"cases", "model", "result"}
    assert [run.target for run in parts.state.qualifications()] == ["spare"]


async def test_the_calls_name_their_target_and_have_a_key_that_lives_as_long(
    operations: Operations, gateway: PlayedGateway, steps: Steps
) -> None:
    await qualify(operations, steps)
    assert [headers["freehold-target"] for headers in gateway.headers] == ["local", "local", "spare", "spare"]
    secret = gateway.headers[0]["authorization"].removeprefix("Bearer ")
    (key,) = next(snapshot.keys for snapshot in gateway.snapshots if snapshot.keys)
    assert (key.id, key.secret_sha256, key.services, key.pins_target) == (
        "acceptance",
        digest_of(secret),
        ("default",),
        True,
    )
    assert NOW_UNIX < key.expires_at_unix < NOW_UNIX + 3600
    assert gateway.snapshots[-1].keys == ()
    assert gateway.asked[0] == {
        "model": "default",
        "messages": [{"role": "user", "content": "The capital of France?"}],
        "max_tokens": 512,
        "temperature": 0.0,
    }


async def test_whoever_fails_does_not_stand_in_and_is_told_why(
    operations: Operations, gateway: PlayedGateway, steps: Steps
) -> None:
    gateway.answer = lambda _: (200, reply("Paris"))
    (view,) = await qualify(operations, steps, "spare")
    assert (view["state"], view["passed"]) == ("not qualified", 1)
    assert view["cases"][1] == {
        "id": "germany",
        "passed": False,
        "problems": ("does not contain 'Berlin'", "contains 'Paris'"),
        "answer": "Paris",
    }
    assert unqualified(operations) == ("spare",)


@pytest.mark.parametrize(
    ("status", "said", "why"),
    [
        (403, {"error": {"message": "spare may not see this call", "code": "policy_denied"}}, "forbidden: spare may"),
        (503, {"error": {"message": "no target is fit to answer", "code": "no_target"}}, "no target is fit"),
        (429, {"error": {"message": "slower", "code": "rate_limited"}}, "slower"),
        (200, b"<html>", "the gateway broke off"),
        (200, {}, "the gateway answered 200"),
    ],
)
async def test_a_target_that_may_not_or_cannot_answer_is_not_judged(  # noqa: PLR0917
    operations: Operations, gateway: PlayedGateway, parts: Parts, steps: Steps, status: int, said: object, why: str
) -> None:
    parts.state.keep_qualification(passed("spare", model="spare-model", cases=operations._suites()["default"].digest))
    gateway.answer = lambda _: (status, said)
    (view,) = await qualify(operations, steps, "spare")
    assert view["state"] == "not run"
    assert str(view["reason"]).startswith(why)
    assert unqualified(operations) == (), "what was known of it stays"


async def test_a_target_that_cannot_do_what_a_case_asks_for_fails_that_case(
    operations: Operations, gateway: PlayedGateway, steps: Steps
) -> None:
    gateway.answer = lambda _: (400, {"error": {"message": "the model has no tools", "code": "unsupported"}})
    (view,) = await qualify(operations, steps, "spare")
    assert (view["state"], view["passed"]) == ("not qualified", 0)
    assert view["cases"][0]["problems"] == ("the model has no tools",)


async def test_without_the_record_nobody_is_qualified(
    operations: Operations, gateway: PlayedGateway, ledger: FakeLedger, steps: Steps, parts: Parts
) -> None:
    ledger.fault = LedgerFull("full")
    with pytest.raises(LedgerFull):
        await qualify(operations, steps, "spare")
    assert parts.state.qualifications() == ()
    assert gateway.snapshots[-1].keys == ()


async def test_without_a_gateway_nothing_is_run(operations: Operations, steps: Steps) -> None:
    with pytest.raises(EstateError, match="no gateway is up"):
        await qualify(operations, steps)


async def test_what_is_not_there_is_named(operations: Operations, gateway: PlayedGateway, steps: Steps) -> None:
    with pytest.raises(NotFound, match="no service 'x'"):
        await operations.qualify_targets(QualifyTarget(service="x"), steps.asker())
    with pytest.raises(NotFound, match="default has no target 'x'; it has: local, spare"):
        await qualify(operations, steps, "x")


async def test_a_service_without_cases_has_nothing_to_qualify_for(estate: Estate, parts: Parts, steps: Steps) -> None:
    operations = Operations(parts, read_settings(estate.settings), now_unix=lambda: NOW_UNIX)
    await operations.start()
    assert unqualified(operations) == ()
    with pytest.raises(InvalidRequest, match="has no acceptance cases in force"):
        await qualify(operations, steps)


async def test_cases_that_tell_nothing_stop_a_reload_and_all_in_force_stays(
    operations: Operations, gateway: PlayedGateway, accepting: Estate, steps: Steps
) -> None:
    await qualify(operations, steps)
    (accepting.directory / "acceptance" / "default.yaml").write_text(
        "cases: [{id: a, prompt: b, checks: [contains: c]}]"
    )
    with pytest.raises(SettingsError, match="passes 1 of 1 cases"):
        await operations.reload(Nothing(), steps.asker())
    assert unqualified(operations) == ()


async def test_other_cases_end_a_pass(
    operations: Operations, gateway: PlayedGateway, accepting: Estate, steps: Steps
) -> None:
    await qualify(operations, steps)
    file = accepting.directory / "acceptance" / "default.yaml"
    file.write_text(CASES.replace("The capital of France?", "France's capital?"), encoding="utf-8")
    await operations.reload(Nothing(), steps.asker())
    assert gateway.snapshots[-1].services[0].unqualified == ("spare",)


async def test_a_pass_that_has_come_of_age_ends_with_the_day(accepting: Estate, parts: Parts) -> None:
    now_unix = NOW_UNIX
    operations = Operations(parts, read_settings(accepting.settings), now_unix=lambda: now_unix)
    await operations.start()
    parts.state.keep_qualification(passed("spare", model="spare-model", cases=operations._suites()["default"].digest))
    now_unix += 89 * 86400
    await operations.turn_day()
    async with PlayedGateway().up(parts) as gateway:
        now_unix += 2 * 86400
        assert await operations.turn_day()
        assert gateway.snapshots[-1].services[0].unqualified == ("spare",)


async def test_status_shows_what_each_target_lacks(
    operations: Operations, gateway: PlayedGateway, steps: Steps
) -> None:
    await qualify(operations, steps, "spare")
    status: Any = (await operations.status(Nothing(), steps.asker()))["status"]
    acceptance = status["services"][0]["acceptance"]
    assert (acceptance["cases"], acceptance["min_acceptance"]) == (2, 1.0)
    local, spare = acceptance["targets"]
    assert (local["standing"], local["current_pass"], local["reason"]) == (
        "first",
        False,
        "the cases were never run on it",
    )
    assert (spare["standing"], spare["current_pass"], spare["passed"]) == ("qualified", True, 2)


def checked(estate: Estate) -> list[tuple[Finding, str]]:
    found = examine(estate, read_settings(estate.settings), unencrypted=False, live=None, progress=lambda *_: None)
    return [(check.finding, check.what) for check in found if check.name == "acceptance"]


def test_the_doctor_says_which_targets_lack_a_pass(accepting: Estate) -> None:
    assert checked(accepting) == [
        (
            Finding.WARN,
            "local has no current pass for default and answers for it all the same: the cases were never run on it",
        ),
        (
            Finding.WARN,
            "spare has no current pass for default and does not stand in for it: the cases were never run on it",
        ),
    ]


def test_the_doctor_says_which_services_have_no_cases(accepting: Estate) -> None:
    text = accepting.settings.read_text(encoding="utf-8")
    accepting.settings.write_text(text.replace('acceptance = "acceptance/default.yaml"', ""), encoding="utf-8")
    what = "default has no acceptance cases: nothing says whether spare can stand in"
    assert checked(accepting) == [(Finding.WARN, what)]


def test_the_doctor_says_what_is_wrong_with_a_file(accepting: Estate, tmp_path: Path) -> None:
    (accepting.directory / "acceptance" / "default.yaml").unlink()
    ((finding, what),) = checked(accepting)
    assert finding is Finding.FAIL
    assert "acceptance: there is no file" in what
