# SPDX-License-Identifier: Apache-2.0
"""Every backend of an estate behind one seam: its own engines, and the providers as a snapshot has them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from msgspec import structs

from freehold.contract.backend import EngineStatus
from freehold.contract.decision import Decision
from freehold.contract.snapshot import Snapshot
from freehold.dialect.interface import Backend, Upstream
from freehold.engine.client import Engines
from freehold.errors import ProviderUnavailable
from freehold.provider import Provided, Providers
from freehold.relay import Backends, Run, Running


def untraced(decision_id: str) -> str:  # noqa: ARG001 - the shape of the seam
    """No call has a trace."""
    return ""


@dataclass(frozen=True, slots=True)
class EstateBackends:
    """Makes the backends of each snapshot, so that a call reaches whom it was decided for and nobody else."""

    engines: Engines
    providers: Providers
    sealed: bool = False  # no provider is asked, nor its name looked up
    running: Running = field(default_factory=Running)  # of every snapshot: an answer may outlast its own
    drilled: Running = field(default_factory=Running)  # a drill cuts none but its own
    traceparent: Callable[[str], str] = untraced  # of a decision's call, for providers that may be told

    @property
    def load(self) -> dict[str, int]:
        """How many calls each target has now, those that wait for it too. A drill's are not among them."""
        return self.running.load

    def under(self, snapshot: Snapshot) -> Backends:
        running = self.drilled if snapshot.drill else self.running
        return _InForce(self.engines, self.providers.under(snapshot), self.sealed, running, self.traceparent)


@dataclass(frozen=True, slots=True)
class _InForce:
    """The backends of one snapshot."""

    engines: Engines
    provided: Provided
    sealed: bool
    running: Running
    traceparent: Callable[[str], str]

    def status(self, target: str) -> EngineStatus | None:
        return None if target in self.provided.targets else self.engines.status(target)

    def ready(self, target: str) -> Awaitable[Backend]:
        return self._whose(target).ready(target)

    def open(self, target: str, upstream: Upstream, decision: Decision) -> Run:
        if (traceparent := self.traceparent(decision.id)) and target in self.provided.targets:
            upstream = structs.replace(upstream, traceparent=traceparent)
        opened = self._whose(target).open(target, upstream, decision)
        return self.running.run(target, opened, stream=upstream.stream)

    def warm(self, target: str) -> None:
        """A provider is contacted by calls alone."""
        if target not in self.provided.targets:
            self.engines.warm(target)

    def cut(self, target: str) -> None:
        self.running.cut(target)

    def _whose(self, target: str) -> Engines | Provided:
        if target not in self.provided.targets:
            return self.engines
        if self.sealed:
            raise ProviderUnavailable(f"{target} is not asked: the estate is sealed", hint="Its operator sealed it.")
        return self.provided
