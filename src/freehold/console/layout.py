# SPDX-License-Identifier: Apache-2.0
"""The frame around every page: navigation, who is signed in, and the banner for directives."""

from dataclasses import dataclass

import msgspec
from jinja2 import Environment

from freehold.console.interface import Found, Page, Place, Shown, Visit


class Directive(msgspec.Struct, frozen=True, kw_only=True):
    """A directive, as the banner tells it."""

    id: str
    state: str
    kind: str
    name: str
    effective: str | None
    targets: list[str]


class Directives(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of ``GET directives``."""

    directives: list[Directive]

    @property
    def standing(self) -> list[Directive]:
        """Those that somebody has to know of now."""
        return [one for one in self.directives if one.state != "lifted"]


class Operator(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever is signed in."""

    id: str
    label: str


class _Operators(msgspec.Struct, frozen=True, kw_only=True):
    operator: Operator


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Of one estate."""

    templates: Environment
    places: tuple[Place, ...]
    origin: str  # the estate's name
    version: str
    unencrypted: bool = False  # whether what is typed here crosses a network in plain text

    def bare(self, template: str, title: str, **view: object) -> str:
        """A page for whoever may not be signed in: it tells nothing of the estate but its name."""
        return self.templates.get_template(template).render(
            title=title, origin=self.origin, unencrypted=self.unencrypted, **view
        )

    async def whole(self, shown: Shown, page: Page, visit: Visit) -> str:
        """A page in its frame."""
        operator: Found[_Operators] = await visit.look(_Operators, f"operators/{visit.operator}")
        return self.templates.get_template(shown.template).render(
            title=shown.title,
            view=shown.view,
            script=shown.script,
            places=self.places,
            here=page.within or page.path,
            origin=self.origin,
            version=self.version,
            csrf=visit.csrf,
            visit=visit,
            operator=operator.value.operator if operator.value else Operator(id=visit.operator, label=""),
            standing=await visit.look(Directives, "directives", {"standing": True, "limit": 1000}),
        )
