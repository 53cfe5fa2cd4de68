# SPDX-License-Identifier: Apache-2.0
"""Many streamed chat completions at a time, with all that can be wrong with one that went over a seam."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
_TOOL = {"type": "function", "function": {"name": "weather", "parameters": CITY}}
_PATIENCE = aiohttp.ClientTimeout(total=300)
_SHED = "engine_busy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    service: str
    question: str
    max_tokens: int = 2048
    tools: bool = False
    stream: bool = True

    @property
    def body(self) -> dict[str, Any]:
        messages = [{"role": "user", "content": self.question}]
        body: dict[str, Any] = {"model": self.service, "messages": messages, "max_tokens": self.max_tokens}
        if self.stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        return body | ({"tools": [_TOOL]} if self.tools else {})


@dataclass(slots=True, kw_only=True)
class Got:
    """One answer as its caller saw it."""

    wanted: Wanted
    status: int = 0
    error: str = ""  # the code of a refusal
    text: str = ""
    calls: dict[int, str] = field(default_factory=dict)  # arguments, by index
    ids: set[str] = field(default_factory=set)
    finishes: list[str] = field(default_factory=list)
    errors: int = 0
    done: bool = False
    begun_s: float = 0.0
    ended_s: float = 0.0
    at_s: list[float] = field(default_factory=list)  # when each piece of the text came

    @property
    def is_shed(self) -> bool:
        """For want of capacity, and for nothing else: a call that fails for another reason is lost."""
        return self.error == _SHED

    @property
    def is_whole(self) -> bool:
        """One answer with one id, one finish and its terminator, and nothing else behind a good status."""
        return self.status == 200 and self.done and not self.errors and len(self.ids) == len(self.finishes) == 1

    @property
    def longest_gap_s(self) -> float:
        return max(after - before for before, after in zip(self.at_s, self.at_s[1:], strict=False))

    def take(self, line: bytes) -> None:
        if line == b"data: [DONE]":
            self.done = True
        elif line.startswith(b"data: {"):
            event = json.loads(line[6:])
            self.errors += "error" in event
            for choice in event.get("choices", ()):
                self._take(event["id"], choice)

    def _take(self, name: str, choice: dict[str, Any]) -> None:
        self.ids.add(name)
        if choice["finish_reason"]:
            self.finishes.append(choice["finish_reason"])
        if text := choice["delta"].get("content"):
            self.text += text
            self.at_s.append(time.monotonic())
        for call in choice["delta"].get("tool_calls") or ():
            self.calls[call["index"]] = self.calls.get(call["index"], "") + (call["function"].get("arguments") or "")


class Listener:
    """Calls the public port of an estate."""

    def __init__(self, base_url: str, key: str) -> None:
        self._url = f"{base_url}/v1/chat/completions"
        self._headers = {"authorization": f"Bearer {key}"}

    def ask(self, wanted: Wanted) -> Got:
        return asyncio.run(self._all([wanted]))[0]

    async def all_of(self, every: Sequence[Wanted]) -> list[Got]:
        return await self._all(every)

    async def _all(self, every: Sequence[Wanted]) -> list[Got]:
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        async with aiohttp.ClientSession(connector=connector, timeout=_PATIENCE, headers=self._headers) as session:
            return list(await asyncio.gather(*(self._one(session, wanted) for wanted in every)))

    async def _one(self, session: aiohttp.ClientSession, wanted: Wanted) -> Got:
        got = Got(wanted=wanted, begun_s=time.monotonic())
        async with session.post(self._url, json=wanted.body) as response:
            got.status = response.status
            if response.status == 200 and wanted.stream:
                async for line in response.content:
                    got.take(line.strip())
            elif response.status == 200:
                await response.read()
            else:
                got.error = (await response.json())["error"]["code"]
        got.ended_s = time.monotonic()
        return got
