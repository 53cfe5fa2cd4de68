# SPDX-License-Identifier: Apache-2.0
"""What monitoring asks for at the admin port: /metrics, /healthz and /readyz. Changes nothing.

/healthz says that the process is alive, and /readyz whether a call would be answered now. Both say so to anybody; why
not, and every number, only to whoever may know: an operator, or anybody on a machine whose admin port is loopback.
"""

import logging
from collections.abc import Mapping
from typing import Final

import msgspec

from freehold.admin.doors import Door
from freehold.admin.http import refuse
from freehold.admin.operations import Operations
from freehold.admin.vital_signs import metrics, reasons
from freehold.api.rsgi import Exchange, Scope
from freehold.errors import FreeholdError, InvalidToken, MethodNotAllowed
from freehold.signals import catalogue
from freehold.signals.exposition import Rows, rendered

METRICS: Final = "/metrics"
HEALTH: Final = "/healthz"
READY: Final = "/readyz"
PATHS: Final = (METRICS, HEALTH, READY)

_log = logging.getLogger(__name__)
_SAFE: Final = [("cache-control", "no-store"), ("x-content-type-options", "nosniff")]
_JSON: Final = [("content-type", "application/json"), *_SAFE]
_PROXIED: Final = ("forwarded", "via", "x-forwarded-for", "x-real-ip")


class Watched:
    """The three paths behind one door. ``is_open``: whether that door is this machine's alone."""

    def __init__(self, operations: Operations, door: Door, *, is_open: bool) -> None:
        self._operations = operations
        self._door = door
        self._is_open = is_open

    async def __rsgi__(self, scope: Scope, exchange: Exchange) -> None:
        try:
            await self._answer(scope, exchange)
        except FreeholdError as problem:
            refuse(exchange, problem)
        except Exception:  # noqa: BLE001 - the top of a request: a bug costs one request, and tells nothing of itself
            _log.exception("bug in %s", scope.path)
            exchange.response_bytes(500, _JSON, b'{"status":"internal error"}')

    async def _answer(self, scope: Scope, exchange: Exchange) -> None:
        headers = {name.lower(): value for name, value in scope.headers.items()}
        if scope.method not in ("GET", "HEAD"):
            raise MethodNotAllowed(f"{scope.path} takes GET", allowed=("GET", "HEAD"))
        if scope.path == METRICS:
            await self._door.admit(headers, method=scope.method, open_to_all=self._is_known(headers))
            kind, text = await self._exposed(headers.get("accept", ""))
            exchange.response_bytes(200, [("content-type", kind), *_SAFE], text)
            return
        await self._door.admit(headers, method=scope.method, open_to_all=True)
        if scope.path == HEALTH:
            exchange.response_bytes(200, _JSON, b'{"status":"ok"}')
            return
        why = reasons(await self._operations.vital_signs.now())
        said: dict[str, str | list[str]] = {"status": "not ready" if why else "ready"}
        if await self._may_know(scope.method, headers):
            said |= {"reasons": why}
        exchange.response_bytes(503 if why else 200, _JSON, msgspec.json.encode(said))

    async def _exposed(self, accept: str) -> tuple[str, bytes]:
        totals = self._operations.totals
        rows: list[Rows] = [Rows(metric, found, grows=not metric.bounds_s) for metric, found in totals.counted()]
        rows += [Rows(metric, found) for metric, found in totals.now()]
        rows.append(Rows(catalogue.LEFT_OUT, [((), (totals.left_out,))], grows=True))
        rows += metrics(await self._operations.vital_signs.now())
        return rendered(rows, accept=accept, since_unix=totals.since_unix)

    async def _may_know(self, method: str, headers: Mapping[str, str]) -> bool:
        if self._is_known(headers):
            return True
        try:
            await self._door.admit(headers, method=method, open_to_all=False)
        except InvalidToken:
            return False
        return True

    def _is_known(self, headers: Mapping[str, str]) -> bool:
        """Whether nobody but this machine can be asking. What came through a proxy may have come from anywhere."""
        return self._is_open and not any(name in headers for name in _PROXIED)
