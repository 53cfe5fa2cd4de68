# SPDX-License-Identifier: Apache-2.0
"""The one page for whoever has no session: an operator's token in, a session's cookie out."""

import math
from collections.abc import Mapping
from urllib.parse import parse_qs

from freehold.admin.sessions import Sessions
from freehold.console.interface import ConsoleScope
from freehold.console.layout import Layout
from freehold.errors import FreeholdError, InvalidToken, MethodNotAllowed, RateLimited

_HOME = "/console/now"
Said = tuple[int, list[tuple[str, str]], str]  # status, headers, page


class SignIn:
    """Answers /console/sign-in."""

    def __init__(self, sessions: Sessions, layout: Layout) -> None:
        self._sessions = sessions
        self._layout = layout

    async def answer(self, scope: ConsoleScope, form: Mapping[str, tuple[str, ...]]) -> Said:
        """The form, or what came of it. Raises MethodNotAllowed."""
        if scope.method in ("GET", "HEAD"):
            return 200, [], self._page(_wanted(scope.query_string))
        if scope.method != "POST":
            raise MethodNotAllowed("signing in is a form", hint="Open /console/ in a browser.")
        to = own_path(next(iter(form.get("to", ())), ""))
        address = scope.client.rpartition(":")[0]
        try:
            cookie, _ = await self._sessions.begin(next(iter(form.get("token", ())), "").strip(), address)
        except RateLimited as problem:
            wait_s = math.ceil(problem.retry_after_s)
            return 429, [("retry-after", str(wait_s))], self._page(to, problem, wait_s=wait_s)
        except InvalidToken as problem:
            return 401, [], self._page(to, problem)
        return 303, [("location", to), ("set-cookie", cookie)], ""

    def _page(self, to: str, problem: FreeholdError | None = None, *, wait_s: int = 0) -> str:
        return self._layout.bare("sign_in.html", "Sign in", to=to, problem=problem, wait_s=wait_s)


def own_path(asked: str) -> str:
    """Where to go after signing in: a page of the console, whatever a link says."""
    safe = asked.startswith("/console/") and not asked.startswith("/console/sign") and asked.isprintable()
    return asked if safe and "\\" not in asked and "//" not in asked.partition("?")[0] else _HOME


def _wanted(query: str) -> str:
    return own_path(next(iter(parse_qs(query).get("to", [])), ""))
