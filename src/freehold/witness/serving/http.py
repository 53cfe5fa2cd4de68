# SPDX-License-Identifier: Apache-2.0
"""A witness over HTTP (c2sp.org/tlog-witness §HTTP Interface). Reads within limits, answers, decides nothing.

The submission prefix and the monitoring prefix are the same: the root.
"""

import asyncio
import logging
import re

from freehold.api.rsgi import Exchange, ProtocolClosed, Scope, read_body
from freehold.errors import InvalidRequest, TooLarge
from freehold.witness.protocol.request import MAX_BODY_BYTES
from freehold.witness.serving.service import PLAIN, Answer, Witness

ADD_CHECKPOINT = "/add-checkpoint"
_MONITORED = re.compile(r"/([0-9a-f]{64})/checkpoint")
_BODY_WITHIN_S = 10.0
_log = logging.getLogger(__name__)


class WitnessApp:
    """The RSGI application of one witness."""

    def __init__(self, witness: Witness, *, body_within_s: float = _BODY_WITHIN_S) -> None:
        self._witness = witness
        self._body_within_s = body_within_s

    async def __rsgi__(self, scope: Scope, exchange: Exchange) -> None:
        try:
            answer = await self._answer(scope, exchange)
        except ProtocolClosed:  # the client hung up before it had said all
            return
        except Exception:  # noqa: BLE001 - the top of a request: a bug costs one request, and tells nothing of itself
            _log.exception("a request could not be answered")
            answer = Answer(status=500, body="an internal error\n")
        headers = [("content-type", answer.media), ("cache-control", "no-store"), ("x-content-type-options", "nosniff")]
        exchange.response_bytes(answer.status, headers, answer.body.encode())

    async def _answer(self, scope: Scope, exchange: Exchange) -> Answer:
        monitored = _MONITORED.fullmatch(scope.path)
        expected = ("POST",) if scope.path == ADD_CHECKPOINT else ("GET", "HEAD") if monitored else ()
        if not expected:
            return _refusal(404, "there are POST /add-checkpoint and GET /ORIGIN-HASH/checkpoint")
        if scope.method not in expected:
            return _refusal(405, f"{scope.path} takes {' and '.join(expected)}")
        if monitored:
            return self._witness.checkpoint(monitored[1])
        return await self._add_checkpoint(scope, exchange)

    async def _add_checkpoint(self, scope: Scope, exchange: Exchange) -> Answer:
        headers = {name.lower(): value for name, value in scope.headers.items()}
        try:
            async with asyncio.timeout(self._body_within_s):
                body = await read_body(headers, exchange, MAX_BODY_BYTES)
        except TimeoutError:
            return _refusal(408, f"the body did not come within {self._body_within_s:g} s")
        except TooLarge:
            return _refusal(413, f"the body is longer than {MAX_BODY_BYTES} bytes")
        except InvalidRequest as problem:
            return _refusal(400, problem.message)
        # in a thread, whose work nothing cancels: a client that hangs up cannot stop it between disk and memory
        return await asyncio.to_thread(self._witness.add_checkpoint, body)


def _refusal(status: int, why: str) -> Answer:
    return Answer(status=status, body=f"{why}\n", media=PLAIN)
