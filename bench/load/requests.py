# SPDX-License-Identifier: Apache-2.0
"""What is asked: bodies of a given size in OpenAI's shape, the same for every side."""

import json

from bench.peers.interface import CHAT, Side

SMALL, LARGE = "600 B", "400 KB"
PROMPTS = {SMALL: 600, LARGE: 400_000}

_WORDS = "the committee read the order once more and found nothing to object to "


def body_of(side: Side, size_bytes: int = 0, *, stream: bool = False) -> bytes:
    """A chat completion, of about so many bytes."""
    asked = {"model": side.model, "messages": [{"role": "user", "content": ""}], "max_tokens": 128}
    if stream:
        asked |= {"stream": True}
    room = max(5, size_bytes - len(json.dumps(asked)))
    asked["messages"] = [{"role": "user", "content": (_WORDS * (room // len(_WORDS) + 1))[:room]}]
    return json.dumps(asked, separators=(",", ":")).encode()


def headers_of(side: Side) -> dict[str, str]:
    return {"Content-Type": "application/json", **side.headers}


def request_of(side: Side, body: bytes) -> bytes:
    """The whole request, as it goes over a connection."""
    headers = {"Host": f"127.0.0.1:{side.port}", **headers_of(side), "Content-Length": str(len(body))}
    lines = [f"POST {CHAT} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
