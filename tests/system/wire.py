# SPDX-License-Identifier: Apache-2.0
"""Requests byte by byte, for what no vendor's SDK would send, and clients that hang up."""

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from typing import Any

from tests.system.estates import Estate
from tests.system.waiting import LONG_S

CHAT = "/v1/chat/completions"
RESPONSES = "/v1/responses"
COMPLETIONS = "/v1/completions"
MESSAGES = "/v1/messages"
FIM = "/v1/fim/completions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        assert self.headers["content-type"] == "application/json", self
        document = json.loads(self.body)
        assert isinstance(document, dict)
        return document


def chat(text: str = "Say hello.", **fields: object) -> dict[str, object]:
    """A small chat request, good in the OpenAI, the Anthropic and the Mistral dialect."""
    return {"model": "default", "max_tokens": 4, "messages": [{"role": "user", "content": text}], **fields}


def post(estate: Estate, path: str, body: object, *, key: str | None = None, **headers: str) -> Answer:
    """``body`` is sent as JSON, or as it is if it is bytes. An empty key sends none."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return ask(estate, "POST", path, data, key=key, **headers)


def ask(estate: Estate, method: str, path: str, body: bytes = b"", *, key: str | None = None, **headers: str) -> Answer:
    """One request on a connection of its own. Underscores in header names stand for hyphens."""
    with asking(estate, method, path, body, key=key, **headers) as response:
        return _whole(response)


@contextmanager
def asking(
    estate: Estate, method: str, path: str, body: bytes = b"", *, key: str | None = None, **headers: str
) -> Iterator[HTTPResponse]:
    """An answer that has begun. Leaving hangs up."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if authorization := (estate.key if key is None else key):
        sent["authorization"] = f"Bearer {authorization}"
    connection = HTTPConnection("127.0.0.1", estate.port, timeout=LONG_S)
    try:
        connection.request(method, path, body=body or None, headers={"content-type": "application/json", **sent})
        with connection.getresponse() as response:
            yield response
    finally:
        connection.close()


@contextmanager
def dialled(estate: Estate) -> Iterator[socket.socket]:
    """A bare connection to the public port."""
    with socket.create_connection(("127.0.0.1", estate.port), timeout=LONG_S) as connection:
        yield connection


def head(estate: Estate, path: str, *headers: str) -> bytes:
    """The head of a POST, for a bare connection."""
    lines = [f"POST {path} HTTP/1.1", f"host: 127.0.0.1:{estate.port}", f"authorization: Bearer {estate.key}", *headers]
    return "\r\n".join([*lines, "content-type: application/json", "", ""]).encode()


def read_answer(connection: socket.socket) -> Answer:
    response = HTTPResponse(connection)
    response.begin()
    return _whole(response)


def _whole(response: HTTPResponse) -> Answer:
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(status=response.status, headers=headers, body=response.read())
