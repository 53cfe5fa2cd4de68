# SPDX-License-Identifier: Apache-2.0
"""What a page of the console is: something that asks the admin API, and says which template shows the answers."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import msgspec

from freehold.api.rsgi import Scope
from freehold.errors import FreeholdError

T = TypeVar("T")


class ConsoleScope(Scope, Protocol):
    """A request's head, and where it comes from."""

    client: str


class Asks(Protocol):
    """The admin API within the process: ``path`` has no root and no query, whose values are ``fields``."""

    async def ask(
        self, method: str, path: str, fields: Mapping[str, object], actor: str, *, if_match: str = ""
    ) -> Mapping[str, object]:
        """The answer as JSON has it. Raises FreeholdError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(Generic[T]):
    """An answer, or why there is none: the page opens all the same, and says so where the answer would have stood."""

    value: T | None = None
    problem: FreeholdError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One page that an operator asks for, or one form that came from it."""

    path: str  # whole, such as /console/keys
    names: Mapping[str, str]  # those of the page's path
    query: Mapping[str, tuple[str, ...]]
    form: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    operator: str
    csrf: str
    api: Asks

    def asked(self, name: str, default: str = "") -> str:
        """A value of the query, without space around it."""
        return next(iter(self.query.get(name, ())), default).strip()

    def said(self, name: str, default: str = "") -> str:
        """A value of the form, without space around it."""
        return next(iter(self.form.get(name, ())), default).strip()

    def all_said(self, name: str) -> tuple[str, ...]:
        """All values of a field that there may be several of."""
        return tuple(value.strip() for value in self.form.get(name, ()) if value.strip())

    async def ask(
        self, method: str, path: str, fields: Mapping[str, object] | None = None, *, if_match: str = ""
    ) -> Mapping[str, object]:
        """Ask the API as this operator. Raises FreeholdError."""
        return await self.api.ask(method, path, fields or {}, self.operator, if_match=if_match)

    async def look(
        self, kind: type[T], path: str, fields: Mapping[str, object] | None = None, *, method: str = "GET"
    ) -> Found[T]:
        """Read something as ``kind``, a struct of what the page needs of the answer; or say why it cannot be read.

        ``method`` is POST for what changes nothing and is asked with a body: a dry run, an explanation.
        """
        try:
            return Found(value=msgspec.convert(await self.ask(method, path, fields), kind))
        except FreeholdError as problem:
            return Found(problem=problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A page to be rendered. ``view`` is ``view`` in the template; ``script`` is a module under static/."""

    template: str
    title: str
    view: object = None
    script: str = ""
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Another page to go to, after an act. ``to`` is a path of the console's, with its query."""

    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a page's script asks for: JSON, of what the page itself would say."""

    value: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One path under /console/. ``{name}`` in it is one of the visit's names."""

    path: str
    show: Callable[[Visit], Awaitable[Shown | Told]]
    act: Callable[[Visit], Awaitable[Shown | Moved]] | None = None  # what a form sent to it does
    within: str = ""  # the path of the page as part of which the navigation shows it, where that is another


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A page that the navigation names."""

    path: str
    label: str
    icon: str
