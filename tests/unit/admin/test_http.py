# SPDX-License-Identifier: Apache-2.0
"""The admin API behind a real server on a real socket, asked by the real client."""

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.ledger_builder import act_bytes, write_log
from tests.unit.admin.conftest import FakeLedger

from freehold.admin.client import AdminClient
from freehold.admin.doors import AdminPort, ControlSocket
from freehold.admin.http import AdminApp
from freehold.admin.interface import Parts
from freehold.admin.operations import Operations
from freehold.admin.problems import MEDIA_TYPE, problem_of
from freehold.bootstrap.control import serving_on_port, serving_on_socket
from freehold.channel import bind
from freehold.errors import (
    EstateError,
    InvalidRequest,
    InvalidToken,
    LedgerFull,
    NotFound,
    OperatorError,
    SettingsError,
    VaultError,
)
from freehold.settings import read_settings


@pytest.fixture
async def client(operations: Operations, tmp_path: Path) -> AsyncIterator[AdminClient]:
    socket = tmp_path / "control.sock"
    async with serving_on_socket(AdminApp(operations, ControlSocket()), socket):
        admin = AdminClient(socket)
        await asyncio.to_thread(admin.wait, 5.0)
        yield admin


async def post(client: AdminClient, path: str, body: Mapping[str, object] | None = None, **rest: Any) -> dict[str, Any]:
    return await asyncio.to_thread(client.post, path, body, **rest)


async def test_only_its_owner_can_open_the_socket(client: AdminClient, tmp_path: Path) -> None:
    assert (tmp_path / "control.sock").stat().st_mode & 0o777 == 0o600


def test_who_is_refused_before_the_body_is_read_is_told_why(tmp_path: Path) -> None:
    place = tmp_path / "control.sock"
    problem = b'{"code": "invalid_operator_token", "detail": "not valid", "hint": ""}'
    head = b"HTTP/1.1 401 Unauthorized\r\ncontent-type: application/problem+json\r\ncontent-length: %d\r\n\r\n"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        listener.listen()

        def refuse() -> None:
            asking, _ = listener.accept()
            asking.sendall(head % len(problem) + problem)
            asking.close()

        refusing = threading.Thread(target=refuse)
        refusing.start()
        with pytest.raises(InvalidToken, match="not valid"):
            AdminClient(place, token="fho_no").post("keys", {"label": "x" * 10_000_000})
        refusing.join()


async def test_a_key_lives_and_dies(client: AdminClient) -> None:
    key = (await post(client, "keys", {"label": "Zoë's", "requests_per_minute": 5}))["key"]
    assert key["secret"].startswith("fh_")
    await post(client, f"keys/{key['id']}/revoke")
    (shown,) = (await asyncio.to_thread(client.get, "keys"))["keys"]
    assert (shown["label"], shown["state"], shown["requests_per_minute"]) == ("Zoë's", "revoked", 5)


async def test_errors_come_back_as_what_they_were(client: AdminClient, operations: Operations, parts: Parts) -> None:
    with pytest.raises(NotFound, match="no API key 'key_0'") as caught:
        await post(client, "keys/key_0/revoke")
    assert caught.value.advice == "'freehold key list' shows them."
    with pytest.raises(VaultError, match="no model 'nothing'"):
        await asyncio.to_thread(client.get, "models/nothing")
    parts.estate.settings.write_text("nonsense")
    with pytest.raises(SettingsError, match="not TOML"):
        await post(client, "reload")


async def test_a_full_ledger_is_a_fault_of_its_own(client: AdminClient, ledger: FakeLedger) -> None:
    ledger.fault = LedgerFull("the disk under the ledger is down to its reserve")
    with pytest.raises(LedgerFull, match="down to its reserve"):
        await post(client, "keys")


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ({"labels": "x"}, "unknown field 'labels'"),
        ({"label": 5}, "label: Expected 'str', got 'int'"),
        ({"label": "x" * 201}, "label: Expected 'str' of length <= 200"),
        ({"label": "a\nb"}, "label: expected one line of text"),
        ({"label": "a\n"}, "label: expected one line of text"),
        ({"requests_per_minute": 0}, "requests_per_minute: Expected 'int' >= 1"),
        ({"services": []}, "services: Expected 'array' of length >= 1"),
        ({"expires_in_s": -1}, "expires_in_s: Expected 'float' > 0"),
        ({"data_class": "secret"}, "data_class: Invalid enum value 'secret'"),
    ],
)
async def test_what_is_wrong_with_a_request_is_said(client: AdminClient, body: dict[str, object], what: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await post(client, "keys", body)
    assert what in caught.value.message


async def test_progress_is_told_before_the_result(
    client: AdminClient, gguf: Callable[[], Path], operations: Operations
) -> None:
    steps: list[Mapping[str, Any]] = []
    answer = await post(client, "models", {"source": str(gguf()), "name": "tiny"}, progress=steps.append)
    assert answer["model"]["name"] == "tiny"
    assert {step["doing"] for step in steps} == {"importing"}
    with pytest.raises(VaultError):
        await post(client, "models", {"source": "/does/not/exist.gguf"})


async def test_a_control_process_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    absent = AdminClient(tmp_path / "none.sock")
    assert not absent.answers()
    with pytest.raises(EstateError, match="does not answer"):
        absent.get("health")


async def test_a_control_process_that_is_there_and_silent_is_not_waited_for_for_long(tmp_path: Path) -> None:
    """A stopped process takes connections still."""
    with bind(tmp_path / "c.sock") as stopped:
        stopped.listen()
        with pytest.raises(EstateError, match="does not answer"):
            AdminClient(tmp_path / "c.sock", health_s=0.01).require()


async def test_an_answer_that_comes_before_the_body_was_read_is_heard(tmp_path: Path) -> None:
    problem = json.dumps(problem_of(InvalidToken("the operator token is missing or not valid"))).encode()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 401 Unauthorized\r\nContent-Type: {MEDIA_TYPE}\r\nContent-Length: {len(problem)}\r\n\r\n"
        writer.write(head.encode() + problem)
        writer.close()

    async with await asyncio.start_unix_server(refuse, tmp_path / "c.sock"):
        admin = AdminClient(tmp_path / "c.sock", token="none")
        with pytest.raises(InvalidToken, match="not valid"):
            await asyncio.to_thread(admin.post, "models", {"source": "x" * 2**22})


async def test_a_socket_deep_in_the_tree_is_reached(operations: Operations, tmp_path: Path) -> None:
    folder = tmp_path / ("d" * 60) / ("e" * 60)
    folder.mkdir(parents=True)
    async with serving_on_socket(AdminApp(operations, ControlSocket()), folder / "control.sock"):
        await asyncio.to_thread(AdminClient(folder / "control.sock").wait, 5.0)


async def test_a_bug_costs_one_request_and_tells_nothing_of_itself(parts: Parts, tmp_path: Path) -> None:
    broken: Any = "a secret detail, and no database"
    operations = Operations(replace(parts, state=broken), read_settings(parts.estate.settings))
    async with serving_on_socket(AdminApp(operations, ControlSocket()), tmp_path / "c.sock"):
        admin = AdminClient(tmp_path / "c.sock")
        await asyncio.to_thread(admin.wait, 5.0)
        with pytest.raises(OperatorError, match=r"an internal error: req_[0-9a-f]{16}") as caught:
            await asyncio.to_thread(admin.get, "keys")
        assert "secret" not in caught.value.message + caught.value.advice
        assert await asyncio.to_thread(admin.answers)


@pytest.fixture
async def port(operations: Operations, parts: Parts, free_port: int) -> AsyncIterator[int]:
    app = AdminApp(operations, AdminPort(parts.state, host="127.0.0.1"))
    async with serving_on_port(app, "127.0.0.1", free_port):
        yield free_port


async def ask(port: int, method: str, path: str, body: str = "", **headers: str) -> tuple[int, dict[str, Any]]:
    def answer() -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    return await asyncio.to_thread(answer)


async def whole(port: int, method: str, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    def answer() -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
        finally:
            connection.close()

    return await asyncio.to_thread(answer)


async def test_the_port_is_closed_to_whoever_has_no_token(port: int, operations: Operations) -> None:
    for path in ("status", "keys", "models", "nothing"):
        status, answer = await ask(port, "GET", f"/admin/v1/{path}")
        assert (status, answer["error"]["code"]) == (401, "invalid_operator_token")
    assert await ask(port, "GET", "/admin/v1/health") == (200, {"status": "ok"})


async def test_an_operators_act_is_on_record_as_the_operators(
    port: int, client: AdminClient, ledger: FakeLedger
) -> None:
    operator = (await post(client, "operators", {"label": "Jeanne"}))["operator"]
    status, answer = await ask(port, "POST", "/admin/v1/keys", "{}", Authorization=f"Bearer {operator['token']}")
    assert status == 200
    assert ledger.acts[-1][:3] == ("key.create", answer["key"]["id"], operator["id"])


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/", "", 404, "unknown_endpoint"),
        ("GET", "/admin/v1/nothing", "", 404, "unknown_endpoint"),
        ("DELETE", "/admin/v1/keys", "", 405, "method_not_allowed"),
        ("POST", "/admin/v1/keys", "{", 400, "invalid_request"),
        ("POST", "/admin/v1/keys", "[]", 400, "invalid_request"),
        ("POST", "/admin/v1/keys", '{"a":' * 5000, 400, "invalid_request"),
        ("POST", "/admin/v1/keys/key_0/revoke", "", 404, "not_found"),
        ("GET", "/admin/v1/models/%00", "", 422, "vault_refused"),
    ],
)
async def test_each_mistake_has_its_status(  # noqa: PLR0917
    port: int, client: AdminClient, method: str, path: str, body: str, status: int, code: str
) -> None:
    token = (await post(client, "operators"))["operator"]["token"]
    found, answer = await ask(port, method, path, body, Authorization=f"Bearer {token}")
    assert (found, answer["error"]["code"]) == (status, code)
    assert set(answer["error"]) == {"code", "message", "hint"}


async def test_a_mistake_is_told_as_problem_details(port: int, client: AdminClient) -> None:
    token = (await post(client, "operators"))["operator"]["token"]
    status, headers, body = await whole(port, "GET", "/admin/v1/keys/key_0", Authorization=f"Bearer {token}")
    problem = json.loads(body)
    assert headers["content-type"] == "application/problem+json"
    assert problem["instance"].startswith("urn:uuid:")
    told = {name: problem[name] for name in ("type", "title", "status", "detail", "code", "hint")}
    assert told == {
        "type": "/admin/v1/problems/not_found",
        "title": "Not found",
        "status": status,
        "detail": "there is no API key 'key_0'",
        "code": "not_found",
        "hint": "'freehold key list' shows them.",
    }
    status, _, body = await whole(port, "GET", problem["type"], Authorization=f"Bearer {token}")
    assert (status, json.loads(body)["problem"]["code"]) == (200, "not_found")


async def test_a_fault_says_when_to_ask_again(port: int, client: AdminClient, ledger: FakeLedger) -> None:
    token = (await post(client, "operators"))["operator"]["token"]
    ledger.fault = LedgerFull("the disk under the ledger is down to its reserve")
    status, headers, _ = await whole(port, "POST", "/admin/v1/keys", Authorization=f"Bearer {token}")
    assert (status, headers["retry-after"]) == (503, "10")


async def test_what_is_known_already_is_not_sent_again(port: int, client: AdminClient) -> None:
    token = {"Authorization": f"Bearer {(await post(client, 'operators'))['operator']['token']}"}
    status, headers, body = await whole(port, "GET", "/admin/v1/operators", **token)
    assert status == 200
    for known in (headers["etag"], f'"a", W/{headers["etag"]}', "*"):
        status, again, empty = await whole(port, "GET", "/admin/v1/operators", **token, **{"If-None-Match": known})
        assert (status, again["etag"], empty) == (304, headers["etag"], b"")
    await post(client, "operators")
    status, _, changed = await whole(port, "GET", "/admin/v1/operators", **token, **{"If-None-Match": headers["etag"]})
    assert status == 200
    assert changed != body


async def test_the_next_page_is_linked(port: int, client: AdminClient) -> None:
    tokens = [(await post(client, "operators"))["operator"]["token"] for _ in range(3)]
    token = {"Authorization": f"Bearer {tokens[0]}"}
    seen, path = [], "/admin/v1/operators?limit=2"
    while path:
        status, headers, body = await whole(port, "GET", path, **token)
        assert status == 200
        seen += [row["id"] for row in json.loads(body)["operators"]]
        path = headers.get("link", "").partition(">")[0].removeprefix("<")
    assert len(seen) == len(set(seen)) == 3


async def test_both_tags_of_a_thing_may_be_sent_back(port: int, client: AdminClient) -> None:
    token = {"Authorization": f"Bearer {(await post(client, 'operators'))['operator']['token']}"}
    for whose in ("answer", "key"):
        made = (await post(client, "keys"))["key"]["id"]
        _, headers, body = await whole(port, "GET", f"/admin/v1/keys/{made}", **token)
        tag = headers["etag"] if whose == "answer" else json.loads(body)["key"]["etag"]
        for expected in (200, 412):
            status, _, body = await whole(port, "POST", f"/admin/v1/keys/{made}/revoke", **token, **{"If-Match": tag})
            assert status == expected
        problem = json.loads(body)
        assert (problem["code"], problem["etag"] == tag) == ("conflict", False)
        assert "changed" in problem


async def test_what_is_done_takes_no_query(port: int, client: AdminClient) -> None:
    token = (await post(client, "operators"))["operator"]["token"]
    status, answer = await ask(port, "POST", "/admin/v1/keys?label=x", "", Authorization=f"Bearer {token}")
    assert (status, answer["code"]) == (400, "invalid_request")


async def test_a_query_with_too_many_fields_is_refused(port: int, client: AdminClient) -> None:
    token = (await post(client, "operators"))["operator"]["token"]
    path = "/admin/v1/keys?" + "&".join(f"a{number}=1" for number in range(101))
    status, answer = await ask(port, "GET", path, "", Authorization=f"Bearer {token}")
    assert (status, answer["detail"]) == (400, "the query has more than 100 fields")


async def test_a_file_is_sent_as_it_is(port: int, client: AdminClient, parts: Parts) -> None:
    log = write_log(parts.estate.directory, [act_bytes()])
    token = {"Authorization": f"Bearer {(await post(client, 'operators'))['operator']['token']}"}
    status, headers, body = await whole(port, "GET", "/admin/v1/ledger/files/tile/entries/000.p/1", **token)
    assert (status, headers["cache-control"], body) == (200, "no-store", (log / "tile/entries/000.p/1").read_bytes())
    status, headers, _ = await whole(port, "GET", "/admin/v1/ledger/entries/0/receipt", **token)
    assert (status, headers["content-disposition"]) == (200, 'attachment; filename="receipt-0.json"')


async def test_a_list_is_read_whole_by_the_command_line(client: AdminClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("freehold.admin.client._PAGE_ROWS", 2)
    made = {(await post(client, "keys"))["key"]["id"] for _ in range(5)}
    assert {row["id"] for row in await asyncio.to_thread(client.rows, "keys")} == made


async def test_a_body_over_the_limit_is_refused_before_it_is_sent(port: int, client: AdminClient) -> None:
    token = (await post(client, "operators"))["operator"]["token"]
    announced = {"Authorization": f"Bearer {token}", "Content-Length": str(2**20 + 1)}
    status, answer = await ask(port, "POST", "/admin/v1/keys", "", **announced)
    assert (status, answer["error"]["code"]) == (413, "request_too_large")


async def test_a_page_of_another_site_is_refused(port: int) -> None:
    status, answer = await ask(port, "GET", "/admin/v1/health", Host="attacker.example")
    assert (status, answer["error"]["code"]) == (403, "foreign_origin")


async def test_an_operation_stops_when_its_caller_hangs_up(parts: Parts, tmp_path: Path) -> None:
    endless: Any = EndlessVault()
    operations = Operations(replace(parts, vault=endless), read_settings(parts.estate.settings))
    async with serving_on_socket(AdminApp(operations, ControlSocket()), tmp_path / "c.sock"):
        await asyncio.to_thread(AdminClient(tmp_path / "c.sock").wait, 5.0)
        _, writer = await asyncio.open_unix_connection(str(tmp_path / "c.sock"))
        writer.write(b"POST /admin/v1/models/tiny/verify HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        assert await asyncio.to_thread(endless.begun.wait, 10)
        writer.close()
        assert await asyncio.to_thread(endless.stopped.wait, 10)


async def test_an_operation_under_way_does_not_keep_the_server_from_stopping(parts: Parts, tmp_path: Path) -> None:
    endless: Any = EndlessVault()
    operations = Operations(replace(parts, vault=endless), read_settings(parts.estate.settings))
    async with serving_on_socket(AdminApp(operations, ControlSocket()), tmp_path / "c.sock"):
        admin = AdminClient(tmp_path / "c.sock")
        await asyncio.to_thread(admin.wait, 5.0)
        asking = asyncio.create_task(post(admin, "models/tiny/verify"))
        assert await asyncio.to_thread(endless.begun.wait, 10)
    with pytest.raises(EstateError, match="stopped before it was done"):
        await asking
    assert endless.stopped.is_set()


async def test_a_port_that_is_taken_is_named(operations: Operations, free_port: int) -> None:
    app = AdminApp(operations, ControlSocket())
    with socket.create_server(("127.0.0.1", free_port)), pytest.raises(EstateError, match=f"port {free_port} on"):
        async with serving_on_port(app, "127.0.0.1", free_port):
            pass


class EndlessVault:
    """Verifies for as long as somebody wants to know."""

    def __init__(self) -> None:
        self.begun, self.stopped = threading.Event(), threading.Event()

    def verify(self, name: str, progress: Callable[[int, int], None]) -> None:
        try:
            while True:
                progress(0, 0)
                self.begun.set()
        finally:
            self.stopped.set()
