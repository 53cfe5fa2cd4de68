# SPDX-License-Identifier: Apache-2.0
"""The way of spans to their receiver: OTLP over HTTP, in JSON, through egress, to the place that was granted alone."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from freehold.contract.grant import Allowance, Errand, place_of
from freehold.contract.signals import Tracing
from freehold.egress.errand import ErrandWay
from freehold.errors import ContactFailed
from freehold.signals import otlp
from freehold.signals.span import Span

_ANSWERED_S: Final = 10.0
_MAX_ANSWER_BYTES: Final = 64 * 1024
_JSON: Final = {"Content-Type": "application/json"}


class Collector:
    """One receiver, for as long as the configuration names it. ``folder``: where names of files start."""

    def __init__(self, tracing: Tracing, *, origin: str, instance: str, folder: Path) -> None:
        self._origin = origin
        self._instance = instance
        tls_ca = folder / tracing.tls_ca if tracing.tls_ca else None
        self._way = ErrandWay(tracing.url, _permit(tracing), tls_ca=tls_ca)

    async def send(self, spans: Sequence[Span]) -> int:
        """How many were taken. Raises EgressDenied, ContactFailed."""
        body = otlp.encode(spans, origin=self._origin, instance=self._instance)
        reply = await self._way.ask(
            "POST", otlp.PATH, body, headers=_JSON, limit_bytes=_MAX_ANSWER_BYTES, timeout_s=_ANSWERED_S
        )
        if reply.status != 200:
            raise ContactFailed(f"the receiver of traces answered with the status {reply.status}")
        return len(spans) - min(len(spans), otlp.rejected(reply.body))

    async def close(self) -> None:
        await self._way.close()


def _permit(tracing: Tracing) -> Callable[[Errand], Allowance]:
    """Leave for the one place that the configuration in force grants."""
    place = place_of(tracing.url)
    places = frozenset(() if place is None else (place,))
    return lambda _: Allowance(places=places, private=places if tracing.private else frozenset())
