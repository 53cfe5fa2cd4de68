# SPDX-License-Identifier: Apache-2.0
"""Asks for streamed chat completions and times them, in the same way over TCP and over a unix socket."""

import json
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from freehold.channel import reachable_path

_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One answer. Both times run from just before the request was sent."""

    first_token_s: float
    whole_s: float
    tokens: int
    text: str
    prompt_tokens: int
    cached_tokens: int  # of the prompt: those that the engine had in its cache


class TcpConnection(HTTPConnection):
    """To the gateway's public port."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port, timeout=_TIMEOUT_S)


class UnixConnection(HTTPConnection):
    """To an engine's own socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_TIMEOUT_S)
        self.sock.connect(reachable_path(self._path))


class Asker:
    """One caller. Its connection is open before the time of a call begins to run."""

    def __init__(self, connection: HTTPConnection, model: str, key: str = "") -> None:
        self._connection = connection
        self._model = model
        self._headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}

    def ask(self, prompt: str, max_tokens: int) -> Timing:
        """Ask, and read the answer to its end."""
        return self.ask_turns([{"role": "user", "content": prompt}], max_tokens)

    def ask_turns(self, turns: Sequence[Mapping[str, str]], max_tokens: int) -> Timing:
        """The same for a conversation, which may end with the beginning of the answer."""
        body = {
            "model": self._model,
            "messages": turns,
            "max_tokens": max_tokens,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        self._connection.close()  # an engine ends connections that idle for seconds
        self._connection.connect()
        begun = time.perf_counter()
        self._connection.request("POST", "/v1/chat/completions", json.dumps(body).encode(), self._headers)
        response = self._connection.getresponse()
        if response.status != 200:
            raise RuntimeError(f"the answer was {response.status}: {response.read(2000)!r}")
        return _timed(response, begun)


def _timed(response: Iterable[bytes], begun: float) -> Timing:
    first_token_s, text = 0.0, ""
    usage: dict[str, Any] = {}
    for line in response:
        if line.startswith(b"data: {"):
            event = json.loads(line[6:])
            said = "".join(choice["delta"].get("content") or "" for choice in event["choices"])
            if said and not text:
                first_token_s = time.perf_counter() - begun
            text += said
            usage = event.get("usage") or usage
    if not text or not usage.get("completion_tokens"):
        raise RuntimeError("the answer had no token, or did not say how many")
    return Timing(
        first_token_s=first_token_s,
        whole_s=time.perf_counter() - begun,
        tokens=usage["completion_tokens"],
        text=text,
        prompt_tokens=usage["prompt_tokens"],
        cached_tokens=(usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0),
    )
