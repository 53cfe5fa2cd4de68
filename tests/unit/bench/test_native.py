# SPDX-License-Identifier: Apache-2.0
"""The upstream and the callers of streams, as they are compiled on this host, with each other."""

import json
import subprocess
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from bench.load.paced import Streams, parse
from bench.load.requests import body_of, request_of
from bench.peers.installing import native
from bench.peers.interface import Side
from bench.peers.processes import free_port, running

EVENTS = 5


@pytest.fixture
def side(tmp_path: Path) -> Iterator[Side]:
    port = free_port()
    with running([native("mock"), str(port), str(EVENTS), "1000"], port=port, folder=tmp_path):
        yield Side(name="direct", port=port)


def _listen(request: bytes, port: int, count: int) -> Streams:
    command = (native("streams"), str(port), str(count), "20")
    return parse(subprocess.run(command, input=request, capture_output=True, check=True).stdout.decode())


def _post(side: Side, path: str, body: bytes) -> bytes:
    connection = HTTPConnection("127.0.0.1", side.port, timeout=20)
    connection.request("POST", path, body)
    answer = connection.getresponse().read()
    connection.close()
    return answer


def test_every_stream_comes_whole_with_every_event(side: Side) -> None:
    run = _listen(request_of(side, body_of(side, stream=True)), side.port, 300)
    assert len(run.every) == 300
    assert {(stream.whole, stream.status, stream.events) for stream in run.every} == {(True, 200, EVENTS)}


@pytest.mark.parametrize(
    ("path", "said"),
    [("/v1/chat/completions", "chat.completion"), ("/v1/messages", "message")],
    ids=["openai", "anthropic"],
)
def test_an_answer_is_whole_and_in_the_dialect_of_its_path(side: Side, path: str, said: str) -> None:
    answer = json.loads(_post(side, path, body_of(side, 400_000)))
    assert said in (answer.get("object"), answer.get("type"))


def test_a_translated_stream_has_the_events_that_anthropic_sends(side: Side) -> None:
    text = _post(side, "/v1/messages", body_of(side, stream=True)).decode()
    names = [line.removeprefix("event: ") for line in text.splitlines() if line.startswith("event: ")]
    assert names[:2] == ["message_start", "content_block_start"]
    assert names[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert names.count("content_block_delta") == EVENTS
    for line in text.splitlines():
        if line.startswith("data: "):
            json.loads(line.removeprefix("data: "))


def test_usage_is_told_to_whoever_asks_for_it(side: Side) -> None:
    asked = {"model": "m", "stream": True, "stream_options": {"include_usage": True}}
    text = _post(side, "/v1/chat/completions", json.dumps(asked).encode()).decode()
    chunks = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]
    assert chunks[-1]["usage"]["total_tokens"] == 110
    assert text.rstrip().endswith("data: [DONE]")
