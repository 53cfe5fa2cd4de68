# SPDX-License-Identifier: Apache-2.0
"""An operator's token, exchanged for a browser's session. Sessions lie in memory alone: a restart ends them all.

A session is worth what its token is worth: it ends with it, when it has been idle, after a working day, and when the
operator signs out. The cookie is kept hashed, so that nobody can take one out of this process's memory or its dump.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from freehold.admin.attempts import Attempts
from freehold.admin.keys import digest_of
from freehold.admin.orders import OwedAct, owe
from freehold.admin.state import State
from freehold.errors import ForeignOrigin, InvalidToken

CSRF_HEADER = "x-freehold-csrf"
BACKGROUND_HEADER = "x-freehold-background"  # a page asks by itself: nobody is there to be kept signed in
IDLE_S = 30 * 60.0
WHOLE_S = 8 * 3600.0

_log = logging.getLogger(__name__)
_MOST = 256  # sessions at once; whoever was idle longest goes first
_SECRET_BYTES = 32


class Paying(Protocol):
    """Whoever records what the ledger is owed."""

    def pay_soon(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One browser of one operator. ``csrf`` is what the console's own pages know, and no page of anybody else."""

    operator: str
    csrf: str
    token_sha256: str
    begun_s: float

    def require_token(self, shown: str) -> None:
        """Raises ForeignOrigin for an act that shows another token than the session's, or none."""
        if not secrets.compare_digest(shown.encode("utf-8", "replace"), self.csrf.encode()):
            raise ForeignOrigin(
                "an act by a session needs the token that the console's pages carry",
                hint=f"Load the page anew and try again; scripts send an operator's token, or {CSRF_HEADER}.",
            )


class Sessions:
    """All of them. Used in one event loop."""

    def __init__(
        self, state: State, paying: Paying, admin_url: str, *, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._state = state
        self._paying = paying
        self._now_s = now_s
        self._attempts = Attempts(now_s)
        self._attempting = asyncio.Lock()  # one attempt at a time: many at once would all count as the first
        self._open: dict[str, Session] = {}  # by the digest of its cookie, in the order of their last use
        self._seen_s: dict[str, float] = {}
        address = urlsplit(admin_url)
        self._secure = address.scheme == "https"
        # cookies are shared by all ports of a host: estates on one machine must not end each other's sessions
        self.cookie = f"{'__Host-' if self._secure else ''}freehold-{address.port}"

    async def begin(self, token: str, address: str) -> tuple[str, Session]:
        """A session for who holds the token, and the header that sets its cookie. Raises InvalidToken, RateLimited."""
        digest = digest_of(token)
        async with self._attempting:
            self._attempts.require_room(address)
            operator = await asyncio.to_thread(self._state.operator_with, digest)
            if operator is None:
                self._attempts.failed(address)
                _log.warning("a sign-in from %s failed", address)
                raise InvalidToken("this is not the token of an operator", hint="'freehold operator create' makes one.")
        secret, csrf = secrets.token_urlsafe(_SECRET_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
        session = Session(operator=operator, csrf=csrf, token_sha256=digest, begun_s=self._now_s())
        await self._note("session.begin", operator)
        self._keep(digest_of(secret), session)
        return self._set(secret, f"; Max-Age={WHOLE_S:.0f}"), session

    async def find(self, headers: Mapping[str, str]) -> Session | None:
        """The session of whoever sends these headers, which are in lower case."""
        digest = self._digest_in(headers)
        session, now_s = self._open.get(digest), self._now_s()
        if session is None:
            return None
        idle = now_s - self._seen_s[digest] > IDLE_S
        holder = await asyncio.to_thread(self._state.operator_with, session.token_sha256)
        if idle or now_s - session.begun_s > WHOLE_S or holder != session.operator:
            self._forget(digest)
            return None
        if self._open.get(digest) is not session:  # ended while the database was asked
            return None
        if BACKGROUND_HEADER not in headers:
            self._keep(digest, session)
        return session

    async def end(self, headers: Mapping[str, str]) -> str:
        """Sign out: the header that takes the cookie back. The cookie is worth nothing from now on."""
        session = self._forget(self._digest_in(headers))
        if session is not None:
            await self._note("session.end", session.operator)
        return self._set("", "; Max-Age=0")

    async def _note(self, kind: str, operator: str) -> None:
        """Owed, not awaited: whoever comes because the ledger is full or away has to be let in."""
        act = OwedAct(kind=kind, subject=operator, operator=operator, digests={})
        await asyncio.to_thread(self._owe, act)
        self._paying.pay_soon()

    def _owe(self, act: OwedAct) -> None:
        with self._state.transaction() as connection:
            owe(connection, act)

    def _keep(self, digest: str, session: Session) -> None:
        self._open.pop(digest, None)
        self._open[digest] = session
        self._seen_s[digest] = self._now_s()
        if len(self._open) > _MOST:
            self._forget(next(iter(self._open)))

    def _forget(self, digest: str) -> Session | None:
        self._seen_s.pop(digest, None)
        return self._open.pop(digest, None)

    def _digest_in(self, headers: Mapping[str, str]) -> str:
        """Of the cookie that is sent; what other ports of this host have set beside it may be anything."""
        pairs = (part.partition("=") for part in headers.get("cookie", "").split(";"))
        return next((digest_of(value.strip()) for name, _, value in pairs if name.strip() == self.cookie), "")

    def _set(self, value: str, lasting: str) -> str:
        secure = "; Secure" if self._secure else ""
        return f"{self.cookie}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{lasting}"
