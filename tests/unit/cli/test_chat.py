# SPDX-License-Identifier: Apache-2.0
"""The conversation, with a gateway that says what it is told to."""

import json
from collections.abc import Iterator
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from freehold.cli.chat import _Line
from freehold.errors import Fault, InvalidRequest, PolicyDenied


class Gateway(ThreadingHTTPServer):
    """Answers each request with ``status`` and ``body``, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.status, self.body = 200, ""
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answering(BaseHTTPRequestHandler):
    server: Gateway

    def do_POST(self) -> None:
        self.server.asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.server.keys.append(self.headers["authorization"])
        self.send_response(self.server.status)
        self.send_header("Freehold-Target", "local")
        self.send_header("Freehold-Receipt", "freehold.local/0/7")
        self.send_header("Freehold-Decision", "dec_1")
        self.end_headers()
        self.wfile.write(self.server.body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Gateway() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def stream(*texts: str) -> str:
    chunks = [{"choices": [{"delta": {"content": text}}]} for text in texts]
    first: list[dict[str, Any]] = [{"choices": [{"delta": {"role": "assistant"}}]}]
    last: list[dict[str, Any]] = [{"choices": [], "usage": {"total_tokens": 3}}]
    events = [f"data: {json.dumps(chunk)}\n\n" for chunk in [*first, *chunks, *last]]
    return "".join(events) + ": a remark\n\ndata: [DONE]\n\n"


def line_to(gateway: Gateway) -> _Line:
    return _Line(partial(HTTPConnection, "127.0.0.1", gateway.server_port), "fh_secret", "default")


def test_the_answer_is_printed_with_its_target_and_receipt(
    gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.body = stream("Par", "is.")
    line_to(gateway).ask("The capital of France?")
    shown = capsys.readouterr()
    assert shown.out == "Paris.\n"
    assert "local; receipt freehold.local/0/7" in shown.err
    assert gateway.keys == ["Bearer fh_secret"]


def test_the_next_question_comes_with_what_was_said(gateway: Gateway) -> None:
    gateway.body, line = stream("Paris."), line_to(gateway)
    line.ask("The capital of France?")
    line.ask("Since when?")
    assert [message["content"] for message in gateway.asked[1]["messages"]] == [
        "The capital of France?",
        "Paris.",
        "Since when?",
    ]


@pytest.mark.parametrize(
    ("status", "kind"), [(403, PolicyDenied), (503, Fault), (500, Fault), (400, InvalidRequest), (429, InvalidRequest)]
)
def test_a_refusal_and_a_fault_are_told_apart(gateway: Gateway, status: int, kind: type[Exception]) -> None:
    gateway.status, gateway.body = status, json.dumps({"error": {"message": "not now"}})
    with pytest.raises(kind, match="not now"):
        line_to(gateway).ask("hello")


@pytest.mark.parametrize("body", ["data: {\n\n", 'data: {"choices": [{}]}\n\n', "data: []\n\n", ""])
def test_what_is_no_stream_is_a_fault(gateway: Gateway, body: str) -> None:
    gateway.body = body
    with pytest.raises(Fault, match="not its protocol"):
        line_to(gateway).ask("hello")


def test_a_stream_that_ends_in_an_error_says_it(gateway: Gateway) -> None:
    gateway.body = stream("Par").replace("data: [DONE]", 'data: {"error": {"message": "the engine broke"}}')
    with pytest.raises(Fault, match="the engine broke"):
        line_to(gateway).ask("hello")


def test_a_gateway_that_is_not_there_is_a_fault() -> None:
    with pytest.raises(Fault):
        _Line(partial(HTTPConnection, "127.0.0.1", 1), "fh_secret", "default").ask("hello")
