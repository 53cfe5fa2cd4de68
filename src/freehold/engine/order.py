# SPDX-License-Identifier: Apache-2.0
"""What the supervisor tells an engine's process, on its standard input, and what the process answers on its output."""

from typing import Final

import msgspec

from freehold.contract.backend import Jail
from freehold.engine.plan import EnginePlan

UNFIT: Final = 65  # EX_DATAERR of sysexits.h: the process ended because it will never work as ordered


class VllmOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What vLLM is told besides. Its model is several files: their places in it, and an open descriptor for each."""

    environment: str  # the folder of the virtual environment
    base: str  # of the Python that the environment was made with
    version: str
    files: dict[str, int]
    gpus: int = 0
    tool_parser: str = ""
    reasoning_parser: str = ""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One engine. It is given the model's name and an open descriptor, never a path of the vault."""

    model: str
    weights_fd: int
    folder: str  # the one folder that it may write to
    socket: str  # a name in that folder
    parent_pid: int
    plan: EnginePlan
    embeds: bool = False  # make vectors, and nothing else
    chat_template: str = ""  # instead of the model's own
    binary: str = ""  # a llama-server; else the xllamacpp package
    vllm: VllmOrder | None = None  # instead of both
    sealed: bool = False  # do not run at all unless the jail is whole

    @property
    def http_threads(self) -> int:
        """One thread serves one connection, kept alive ones included; what a busy moment leaves over must be enough."""
        return 2 * (self.plan.slots + self.plan.queue) + 8


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Sent once, as one line of JSON, before the model is loaded."""

    jail: Jail
    build: str  # which engine, which build
