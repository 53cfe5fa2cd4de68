# SPDX-License-Identifier: Apache-2.0
"""What freehold bench calls, what it refuses to, and what its callers count; the gateway says what it is told."""

import json
from collections.abc import Iterator
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

import pytest
from tests.unit.cli.conftest import Run

from freehold.admin.consulted import Consulted
from freehold.cli.bench import _chosen, _decided, _tried
from freehold.cli.callers import Bounds, ask
from freehold.contract.backend import BackendKind, Model, Service, Target
from freehold.contract.call import DataClass
from freehold.contract.estate import Estate
from freehold.contract.law import Law
from freehold.errors import Fault, InvalidRequest, NotFound

FEW = Bounds(callers=2, seconds=60, calls=6, tokens=8)


class Gateway(ThreadingHTTPServer):
    """Answers every request with ``status`` and ``body``, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.status, self.body = 200, stream("Once", " upon")
        self.asked: list[dict[str, Any]] = []
        self.lock = Lock()


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Gateway

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.lock:
            self.server.asked.append(asked)
        body = self.server.body.encode()
        self.send_response(self.server.status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def stream(*texts: str) -> str:
    chunks: list[dict[str, Any]] = [{"choices": [{"delta": {"content": text}}]} for text in texts]
    chunks.append({"choices": [], "usage": {"completion_tokens": len(texts)}})
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Gateway() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def reach(gateway: Gateway) -> partial[HTTPConnection]:
    return partial(HTTPConnection, "127.0.0.1", gateway.server_port)


def _target(name: str, kind: BackendKind) -> Target:
    return Target(name=name, kind=kind, model=Model(name="m", digest=""), operator="self", licence="MIT")


def _service(name: str, *targets: str) -> Service:
    return Service(name=name, data_class=DataClass.INTERNAL, targets=targets)


FOUND = Consulted(
    in_force=True,
    law=Law(),
    services=(_service("default", "local"), _service("support", "claude", "local"), _service("vectors", "local")),
    targets=(_target("local", BackendKind.ENGINE), _target("claude", BackendKind.PROVIDER)),
)


def test_without_a_name_no_service_with_a_provider_is_called() -> None:
    assert [service.name for service in _chosen(FOUND, (), yes=False)] == ["default", "vectors"]
    assert [service.name for service in _chosen(FOUND, (), yes=True)] == ["default", "vectors"]


def test_a_service_with_a_provider_is_called_only_if_it_is_named_with_yes() -> None:
    with pytest.raises(InvalidRequest, match="support may call claude") as refused:
        _chosen(FOUND, ("support",), yes=False)
    assert "--yes" in refused.value.advice
    assert [service.name for service in _chosen(FOUND, ("support",), yes=True)] == ["support"]


def test_a_service_that_is_not_there_is_told() -> None:
    with pytest.raises(NotFound, match="there is no service 'suport'"):
        _chosen(FOUND, ("suport",), yes=True)


def test_an_estate_of_guests_alone_has_nothing_to_call_unasked() -> None:
    found = Consulted(in_force=True, law=Law(), services=(_service("a", "claude"),), targets=FOUND.targets)
    with pytest.raises(InvalidRequest, match="every service"):
        _chosen(found, (), yes=True)


def test_calls_end_at_their_bound_and_are_all_counted(gateway: Gateway) -> None:
    answered = ask(reach(gateway), "fh_secret", "default", FEW)
    assert len(gateway.asked) == FEW.calls == len(answered.whole_ms) == len(answered.first_ms)
    assert answered.tokens == 2 * FEW.calls
    assert not answered.unanswered
    assert answered.requests_per_s > 0
    assert {asked["model"] for asked in gateway.asked} == {"default"}
    assert {asked["max_tokens"] for asked in gateway.asked} == {FEW.tokens}


def test_no_two_calls_ask_the_same(gateway: Gateway) -> None:
    ask(reach(gateway), "fh_secret", "default", FEW)
    assert len({asked["messages"][0]["content"] for asked in gateway.asked}) == FEW.calls


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (429, '{"error": {"message": "slow down", "code": "rate_limited"}}', "rate_limited"),
        (502, '{"error": {"message": "no code"}}', "status 502"),
        (502, "<html>", "broken off"),
        (200, 'data: {"error": {"message": "m", "code": "engine_failed"}}\n\n', "engine_failed"),
        (200, stream(), "empty"),
    ],
)
def test_what_was_not_answered_is_counted_by_its_reason(gateway: Gateway, status: int, body: str, code: str) -> None:
    gateway.status, gateway.body = status, body
    answered = ask(reach(gateway), "fh_secret", "default", Bounds(callers=1, seconds=60, calls=1, tokens=8))
    assert answered.unanswered == {code: 1}
    assert not answered.whole_ms


def test_a_service_that_answers_nobody_is_a_fault_only_where_it_was_named(gateway: Gateway) -> None:
    gateway.status, gateway.body = 400, '{"error": {"message": "vectors only", "code": "invalid_request"}}'
    once = [Bounds(callers=1, seconds=60, calls=1, tokens=8)]
    with pytest.raises(Fault, match="vectors answered no call: invalid_request"):
        _tried(reach(gateway), "fh_secret", FOUND.services[2], once, named=True)
    assert _tried(reach(gateway), "fh_secret", FOUND.services[2], once, named=False) == []


def test_a_decision_is_made_by_the_rules_in_force() -> None:
    decided = _decided(FOUND, FOUND.services[1])
    assert (decided["service"], decided["targets"]) == ("support", 2)


def test_an_estate_that_is_down_is_told_what_starts_it(run: Run, estate: Estate) -> None:
    refused = run("bench", "--estate", estate.directory)
    assert refused.exit_code == 1
    assert "is down" in refused.stderr
    assert "'freehold up --detach' starts it." in refused.stderr


def test_there_is_nothing_to_measure_where_there_is_no_estate(run: Run, estate: Estate) -> None:
    refused = run("bench", "--estate", estate.directory / "none")
    assert refused.exit_code == 1
    assert "freehold:" in refused.stderr
