# SPDX-License-Identifier: Apache-2.0
"""The console over an API that answers what a test says."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from freehold.console.interface import Page, Shown, Visit
from freehold.console.layout import Layout
from freehold.console.pages import PLACES
from freehold.console.rendering import environment
from freehold.errors import FreeholdError, LedgerUnavailable

Answers = dict[str, "Mapping[str, object] | FreeholdError"]


@dataclass
class FakeApi:
    """Answers by method and path, such as ``GET keys``; what it has no answer for is away. Remembers what was asked."""

    answers: Answers = field(default_factory=dict)
    asked: list[tuple[str, dict[str, object], str]] = field(default_factory=list)

    async def ask(
        self, method: str, path: str, fields: Mapping[str, object], actor: str, *, if_match: str = ""
    ) -> Mapping[str, object]:
        self.asked.append((f"{method} {path}", dict(fields), if_match))
        answer = self.answers.get(f"{method} {path}", LedgerUnavailable("nobody answers here"))
        if isinstance(answer, FreeholdError):
            raise answer
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Opens pages over an API."""

    api: FakeApi
    layout: Layout

    def visit(
        self,
        path: str,
        names: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        form: Mapping[str, tuple[str, ...]] | None = None,
    ) -> Visit:
        return Visit(
            path=f"/console/{path}",
            names=names or {},
            query={name: (value,) for name, value in (query or {}).items()},
            form=form or {},
            operator="op_1",
            csrf="the-token",
            api=self.api,
        )

    async def show(self, page: Page, visit: Visit) -> str:
        """The page's HTML."""
        shown = await page.show(visit)
        assert isinstance(shown, Shown)
        return await self.layout.whole(shown, page, visit)


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def pages(api: FakeApi) -> Pages:
    layout = Layout(templates=environment(), places=PLACES, origin="freehold.local/0", version="0.1.0")
    return Pages(api=api, layout=layout)
