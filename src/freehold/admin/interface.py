# SPDX-License-Identifier: Apache-2.0
"""What the operations are handed: the supervisor as they need it, and the estate's own parts."""

from dataclasses import dataclass
from typing import Protocol

from freehold.admin.publish import Publisher
from freehold.admin.state import State
from freehold.contract.attempt import Bait, Tried
from freehold.contract.estate import Estate
from freehold.engine.messages import EstateProcesses
from freehold.ledger.interface import Ledger
from freehold.vault import Vault


class Supervisor(Protocol):
    """Whoever started the processes."""

    async def processes(self) -> EstateProcesses:
        """Every process and every engine. Raises EstateError if the supervisor does not answer."""
        ...

    async def retry(self, model: str) -> None:
        """Have engines that had failed for this model tried again. Raises EstateError as above."""
        ...

    async def wake(self, target: str) -> None:
        """Have an engine started that sleeps. Raises EstateError as above."""
        ...

    async def crash(self, target: str) -> None:
        """Have an engine's process die. Raises EstateError as above."""
        ...

    async def try_egress(self, bait: Bait) -> tuple[Tried, ...]:
        """Have the supervisor and every gateway try to get out. Raises EstateError as above."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where the estate listens, and whether content could cross a network in plain text."""

    base_url: str
    admin_url: str
    unencrypted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The estate's own parts."""

    estate: Estate
    listening: Listening
    state: State
    vault: Vault
    ledger: Ledger
    publisher: Publisher
    supervisor: Supervisor
    sealed: bool = False  # the kernel lets no process of the estate connect to anything but the estate


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a long operation is. ``total_bytes`` is 0 where it is not known. A ``notice`` is for a person to read.

    An ``event`` is something that the operation itself tells, in JSON; none is left out.
    """

    doing: str
    done_bytes: int
    total_bytes: int
    notice: str = ""
    event: object = None
