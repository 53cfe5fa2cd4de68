# SPDX-License-Identifier: Apache-2.0
"""One claim: a sentence about every request that there could be, and the Cedar condition that is its exact meaning.

claim      no [class] data [either] {for (service | purpose) name}
class      public | internal | personal | restricted        and whatever is above it
either     both {or both}
both       one {and one}
one        (either) | condition
condition  under authority states | under any authority outside states | exposed to states | located in states
           | located outside states | outside owned | to operators that train | to operator name {, name}
           | retained over number days
states     [outside] state {, state}
state      two capital letters of ISO 3166-1 | ?? | a group: EU, EEA, ADEQUATE, in small letters too
name       a word, or anything in quotes
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from freehold.contract.call import DataClass
from freehold.contract.facts import UNKNOWN
from freehold.errors import ClaimInvalid
from freehold.policy.facts.states import STATES
from freehold.policy.text import Groups

T = TypeVar("T")

_TOKEN: Final = re.compile(r""""[^"]*"|'[^']*'|[(),]|[^\s(),"']+|["']""")
_NAME: Final = re.compile(r'^[^"\\]{1,200}\Z')
_DAYS: Final = re.compile(r"^[0-9]{1,6}\Z")
_MOST_CHARACTERS: Final = 2000
_MOST_CONDITIONS: Final = 32  # and parentheses in each other
_CLASSES: Final = {level.name.lower(): level for level in DataClass}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """No request is permitted for which ``subject`` and ``condition`` hold, whatever else it says."""

    text: str
    subject: str  # Cedar: which calls it speaks of
    condition: str  # Cedar: what it says of the backend
    words: str  # both, in plain words
    place: str = ""  # file:line, if it came from a file

    @property
    def cedar(self) -> str:
        return f"{self.subject} && {self.condition}" if self.condition != "true" else self.subject

    @property
    def meaning(self) -> str:
        """What is claimed, exactly."""
        return (
            f"No request is permitted for which\n    {self.cedar}\nwhatever else it says and whatever its backend, "
            f"those that do not exist yet among them. In words: {self.words}."
        )


def parse_claim(text: str, groups: Groups, *, place: str = "") -> Claim:
    """Read one claim. Raises ClaimInvalid with the column and what was expected there."""
    return _Parser(text.strip(), groups, place).claim()


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    column: int

    @property
    def quoted(self) -> bool:
        return self.text[:1] in {'"', "'"}


@dataclass(frozen=True, slots=True)
class _Meant:
    cedar: str
    words: str


class _Parser:
    def __init__(self, text: str, groups: Groups, place: str) -> None:
        self._text = text
        self._groups = groups
        self._place = place
        if len(text) > _MOST_CHARACTERS:
            raise self._error(f"the claim is longer than {_MOST_CHARACTERS} characters")
        self._tokens = [_Token(found[0], found.start() + 1) for found in _TOKEN.finditer(text)]
        self._next = 0
        self._conditions = 0
        self._conditions_by_word: Mapping[str, Callable[[], _Meant]] = {
            "under": self._under,
            "exposed": self._exposed,
            "located": self._located,
            "outside": self._outside_owned,
            "to": self._to,
            "retained": self._retained,
        }

    def claim(self) -> Claim:
        self._take("no")
        subject = [self._data_class()]
        condition = _Meant("true", "") if self._peek() in {"", "for"} else self._either(depth=0)
        while self._accept("for"):
            subject.append(self._filter())
        if self._peek():
            raise self._expected("'and', 'or', 'for service', 'for purpose' or the end")
        parts = subject + [condition] * bool(condition.words)
        return Claim(
            text=self._text,
            subject=" && ".join(part.cedar for part in subject),
            condition=condition.cedar,
            words=", and ".join(part.words for part in parts),
            place=self._place,
        )

    def _data_class(self) -> _Meant:
        level = DataClass.PUBLIC
        if self._peek() in _CLASSES:
            level = _CLASSES[self._taken()]
            self._take("data")
        elif not self._accept("data"):
            raise self._expected(_listed([*_CLASSES, "data"]))
        above = " or above" if level is not DataClass.RESTRICTED else ""
        words = f"the data class is {level.name.lower()}{above}" if level else "the data class is any"
        return _Meant(f"context.data_class >= {level.value}", words)

    def _filter(self) -> _Meant:
        if self._peek() not in {"service", "purpose"}:
            raise self._expected("'service' or 'purpose'")
        attribute = self._taken()
        name = self._name()
        return _Meant(f'context.{attribute} == "{name}"', f'the {attribute} is "{name}"')

    def _either(self, depth: int) -> _Meant:
        return self._chain("or", "||", lambda: self._chain("and", "&&", lambda: self._one(depth)))

    def _chain(self, word: str, sign: str, part: Callable[[], _Meant]) -> _Meant:
        parts = [part()]
        while self._accept(word):
            parts.append(part())
        if len(parts) == 1:
            return parts[0]
        cedar = f" {sign} ".join(one.cedar for one in parts)
        return _Meant(f"({cedar})", f"({f' {word} '.join(one.words for one in parts)})")

    def _one(self, depth: int) -> _Meant:
        self._conditions += 1
        if max(depth, self._conditions) > _MOST_CONDITIONS:
            raise self._error(f"the claim has more than {_MOST_CONDITIONS} conditions, or as many parentheses")
        if self._accept("("):
            inner = self._either(depth + 1)
            self._take(")")
            return inner
        condition = self._conditions_by_word.get(self._peek())
        if condition is None:
            raise self._expected(_listed([*self._conditions_by_word, "("]))
        self._taken()
        return condition()

    def _under(self) -> _Meant:
        any_ = self._accept("any")
        self._take("authority")
        if any_ and self._peek() != "outside":
            raise self._expected("'outside'")
        return self._states("authorities", "a state that can compel the operator")

    def _exposed(self) -> _Meant:
        self._take("to")
        return self._states("exposure", "a state that the operator is exposed to")

    def _located(self) -> _Meant:
        if self._peek() != "outside":
            self._take("in", "'in' or 'outside'")
        return self._states("locations", "a state in which the call may be computed")

    def _outside_owned(self) -> _Meant:
        self._take("owned")
        return _Meant("!resource.owned", "the backend is not an engine of this estate")

    def _to(self) -> _Meant:
        if self._accept("operators"):
            self._take("that")
            self._take("train")
            return _Meant("resource.trains", "the operator trains on what it is sent (or nobody knows)")
        self._take("operator", "'operators that train' or 'operator NAME'")
        names = [f'"{name}"' for name in self._list(self._name)]
        cedar = " || ".join(f"resource.operator == {name}" for name in names)
        return _Meant(f"({cedar})" if len(names) > 1 else cedar, f"the operator is {' or '.join(names)}")

    def _retained(self) -> _Meant:
        self._take("over")
        if not _DAYS.match(self._peek()):
            raise self._expected("a number of days")
        days = int(self._taken())
        self._take("days")
        return _Meant(
            f"resource.retention_days > {days}", f"the operator keeps it for more than {days} days (or nobody knows)"
        )

    def _states(self, attribute: str, noun: str) -> _Meant:
        outside = self._accept("outside")
        codes = sorted({code for named in self._list(self._state) for code in named})
        listed = ", ".join(f'"{code}"' for code in codes)
        if outside:
            return _Meant(f"!([{listed}].containsAll(resource.{attribute}))", f"{noun} is none of {' '.join(codes)}")
        holds = f"contains({listed})" if len(codes) == 1 else f"containsAny([{listed}])"
        one_of = "" if len(codes) == 1 else "one of "
        return _Meant(f"resource.{attribute}.{holds}", f"{noun} is {one_of}{' '.join(codes)}")

    def _state(self) -> Collection[str]:
        named = self._peek()
        group = self._groups.get(named, self._groups.get(named.upper()))
        if group is None and named not in STATES and named != UNKNOWN:
            raise self._expected(f"a state by its ISO 3166-1 code, ?? or a group ({', '.join(self._groups)})")
        if group is not None and not group:
            raise self._error(f"the group {named} has no state today, so the claim would say nothing")
        self._taken()
        return group or (named,)

    def _name(self) -> str:
        token = self._tokens[self._next] if self._next < len(self._tokens) else _Token("", 0)
        name = token.text[1:-1] if token.quoted else token.text
        if not _NAME.match(name) or not name.isprintable() or (not token.quoted and name in "(),"):
            raise self._expected("a name; one with spaces stands in quotes, and none holds a quote or a backslash")
        self._next += 1
        return name

    def _list(self, item: Callable[[], T]) -> list[T]:
        items = [item()]
        while self._accept(","):
            items.append(item())
        return items

    def _peek(self) -> str:
        """The next word; empty at the end."""
        return self._tokens[self._next].text if self._next < len(self._tokens) else ""

    def _taken(self) -> str:
        word = self._peek()
        self._next += 1
        return word

    def _accept(self, word: str) -> bool:
        if self._peek() != word:
            return False
        self._next += 1
        return True

    def _take(self, word: str, expected: str = "") -> None:
        if not self._accept(word):
            raise self._expected(expected or f"'{word}'")

    def _expected(self, what: str) -> ClaimInvalid:
        if self._next >= len(self._tokens):
            return self._error(f"{what} is expected at its end")
        token = self._tokens[self._next]
        return self._error(f"{what} is expected at column {token.column}, where it has {token.text!r}")

    def _error(self, what: str) -> ClaimInvalid:
        return ClaimInvalid(f"{self._place + ': ' if self._place else ''}claim {self._text[:200]!r}: {what}")


def _listed(words: Iterable[str]) -> str:
    return " or ".join(f"'{word}'" for word in words)
