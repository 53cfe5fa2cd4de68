# SPDX-License-Identifier: Apache-2.0
"""What a dialect defines and the hub has no word for. It is noted, never refused: whoever answers may know it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from freehold.dialect.fields import Fields, extra_name
from freehold.dialect.interface import Extra

NO_PLACE = "the target has no place for it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beyond:
    """What it means to leave one field out. Null, false, zero and empty values ask for nothing, as a rule."""

    why: str = NO_PLACE
    harmless: bool = False
    passed_over: bool = True
    idle: tuple[object, ...] = ()  # further values that ask for nothing
    even_empty: bool = False  # an empty value asks for something, too

    def asked(self, value: object) -> bool:
        return (bool(value) or self.even_empty) and value not in self.idle


HARMLESS = Beyond(harmless=True)
_UNKNOWN = Beyond(even_empty=True)
_EVERYWHERE: Mapping[str, Beyond] = dict.fromkeys(
    (
        "cache_control",
        "metadata",
        "prompt_cache_breakpoint",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "service_tier",
    ),
    HARMLESS,
)


def note_beyond(fields: Fields, known: Collection[str], beyond: Mapping[str, Beyond]) -> None:
    """Note each field that is not known: as the table says, else as one that is not harmless."""
    for name in fields.beside(known):
        found = beyond.get(name) or _EVERYWHERE.get(name, _UNKNOWN)
        if found.asked(fields.get(name)):
            note(fields, name, found)


def note(fields: Fields, field: str, beyond: Beyond, *, name: str = "") -> None:
    """Note one field, under its own name or another."""
    fields.note(
        Extra(
            name=extra_name(name or field),
            param=fields.path(field),
            why=beyond.why,
            harmless=beyond.harmless,
            passed_over=beyond.passed_over,
        )
    )


def note_kind(fields: Fields, field: str, kind: str, why: str = "") -> None:
    """Note a kind of content, tool or item. ``field`` is where the kind stands; empty for the whole object.

    Engines refuse what they cannot read or call: without it the answer would be to another question.
    """
    said = why or f"the target has no place for {kind[:40]!r}"
    note(fields, field, Beyond(why=said, passed_over=False), name=kind)


def note_carried(fields: Fields, field: str, name: str, *, harmless: bool = False) -> None:
    """Note what is in the hub's body, under the hub's own name. Engines pass it over."""
    fields.note(Extra(name=name, param=fields.path(field), why=NO_PLACE, harmless=harmless, passed_over=True))


def note_image(part: Fields) -> None:
    """Note an image of the hub. Engines refuse it."""
    why = f"the target reads text only, not {part.get('type')!r}"
    part.note(Extra(name="image", param=part.path(""), why=why))
