# SPDX-License-Identifier: Apache-2.0
"""Who may ask the admin API, and through which door. Over TCP nobody is trusted for coming from this machine."""

import asyncio
import ipaddress
import re
from collections.abc import Mapping
from typing import Protocol

from freehold.admin.keys import digest_of
from freehold.admin.sessions import CSRF_HEADER, Sessions
from freehold.admin.state import State
from freehold.errors import ForeignOrigin, InvalidToken

OWN_USER = "local"  # how the ledger names whoever holds the control socket

_NEITHER = "the operator token is missing or not valid"
_SAFE = frozenset({"GET", "HEAD"})
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
_HOST = re.compile(r"^(?P<name>\[[0-9a-fA-F:.]+\]|[^:/@\[\]]+)(?::\d{1,5})?$")


class Door(Protocol):
    """One way in."""

    async def admit(self, headers: Mapping[str, str], *, method: str, open_to_all: bool) -> str:
        """The id of whoever asks. Raises InvalidToken, ForeignOrigin. Header names are in lower case."""
        ...


class ControlSocket:
    """The unix socket. Its mode, 0600, has let only the estate's own user in.

    Whoever shows a token acts as its operator, so that two people can sign on one machine.
    """

    def __init__(self, state: State | None = None) -> None:
        self._state = state

    async def admit(
        self,
        headers: Mapping[str, str],
        *,
        method: str,  # noqa: ARG002 - the seam's words
        open_to_all: bool,  # noqa: ARG002
    ) -> str:
        if "authorization" not in headers or self._state is None:
            return OWN_USER
        return await _operator(self._state, headers)


class AdminPort:
    """The TCP port: an operator's token or session, and no web page of anybody else.

    A page can make its visitor's browser ask loopback. The Host header betrays one whose name was rebound to loopback
    (DNS rebinding), Origin and Sec-Fetch-Site any other. A browser sends its cookie unasked, so an act by a
    session shows that it comes from a page of the console, too.
    """

    def __init__(self, state: State, *, host: str, sessions: Sessions | None = None) -> None:
        self._state = state
        self._sessions = sessions
        self._hosts = _LOOPBACK | {host.lower(), f"[{host.lower()}]"}
        self._any_address = host in ("0.0.0.0", "::")  # noqa: S104 - asked, not bound

    async def admit(self, headers: Mapping[str, str], *, method: str, open_to_all: bool) -> str:
        self.require_own_origin(headers)
        if open_to_all:
            return ""
        if self._sessions is None or "authorization" in headers:
            return await _operator(self._state, headers)
        session = await self._sessions.find(headers)
        if session is None:
            raise InvalidToken(_NEITHER)
        if method not in _SAFE:
            session.require_token(headers.get(CSRF_HEADER, ""))
        return session.operator

    def require_own_origin(self, headers: Mapping[str, str]) -> None:
        """Raises ForeignOrigin."""
        host = headers.get("host", "")
        if not self._is_own(host):
            raise ForeignOrigin("the Host header does not name this machine's admin port")
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in (f"http://{host.lower()}", f"https://{host.lower()}"):
            raise ForeignOrigin("the admin port does not answer pages of another origin")
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            raise ForeignOrigin("the admin port does not answer pages of another site")

    def _is_own(self, host: str) -> bool:
        named = _HOST.match(host)
        if named is None:
            return False
        name = named["name"].lower()
        return name in self._hosts or (self._any_address and _is_address(name.strip("[]")))


async def _operator(state: State, headers: Mapping[str, str]) -> str:
    """Who holds the token. Raises InvalidToken."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    # one digest and one look-up, whatever is wrong: missing, unknown and revoked take the same time
    digest = digest_of(token.strip() if scheme.lower() == "bearer" else "")
    operator = await asyncio.to_thread(state.operator_with, digest)
    if operator is None:
        raise InvalidToken(_NEITHER)
    return operator


def _is_address(name: str) -> bool:
    """Whether this is an IP address, which nobody can rebind."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
