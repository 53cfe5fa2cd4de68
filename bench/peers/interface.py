# SPDX-License-Identifier: Apache-2.0
"""What is measured side by side: ways to one and the same upstream, each asked in the same words."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

CHAT = "/v1/chat/completions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One way for a chat completion in OpenAI's shape to reach the upstream. ``pids`` are the processes on it."""

    name: str
    port: int
    model: str = "m"
    headers: Mapping[str, str] = field(default_factory=dict)
    pids: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """What one peer offers while it runs: the same dialect on both sides, and the upstream's another one."""

    matching: Side
    translated: Side | None = None


class Peer(Protocol):
    """One of them. ``install`` brings whatever ``running`` needs, once."""

    name: str
    version: str

    def install(self) -> None: ...
    def running(self, upstream_port: int) -> AbstractContextManager[Sides]: ...
