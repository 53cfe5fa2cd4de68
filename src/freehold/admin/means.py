# SPDX-License-Identifier: Apache-2.0
"""What a group of operations needs of the rest of the control process."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from freehold.contract.snapshot import Snapshot
from freehold.policy.facts import Register
from freehold.settings import Settings

Answer = Mapping[str, object]
Record = Callable[[str, str, str, Mapping[str, str]], Awaitable[None]]  # kind, subject, operator, digests


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """An answer that is no JSON: a file."""

    status: int = 200
    headers: tuple[tuple[str, str], ...]
    body: bytes
    name: str  # of the file


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """Of one estate. Used in its event loop, but for what blocks."""

    settings: Callable[[], Settings]
    register: Callable[[], Register | None]
    composed: Callable[[], Snapshot]  # blocks
    publish: Callable[[], Awaitable[bool]]  # False if a gateway did not confirm it in time
    record: Record  # done once it is on disk. Raises LedgerFault
    changing: asyncio.Lock  # held while the configuration changes
    now_unix: Callable[[], float]
