# SPDX-License-Identifier: Apache-2.0
"""Every request that there could be, as finitely many unknowns. Only the prover's process imports this.

Strings can only be compared, so what counts is which are equal and which sets hold them. The words that the rules and
claims spell are each one word here. All others are stood for by words that nobody spells: one for each string of a
request, so that all of them may differ, and one for each way of lying in some of the sets and not in others. Whatever a
request says, there is then one here that no rule can tell from it: nothing is proved for want of words.
"""

from collections.abc import Collection, Iterable, Iterator

import z3

from freehold.contract.call import DataClass
from freehold.contract.facts import UNKNOWN, BackendFacts
from freehold.policy.facts import owned_facts
from freehold.policy.judge import LONGEST_DAYS, Application, Backend, Circumstances
from freehold.policy.prove.attributes import ACTION, MAY_BE_UNKNOWN, NAME, NEVER_EMPTY, STATE_SETS, TABLE, Kind
from freehold.policy.prove.messages import Request
from freehold.policy.prove.values import Bool, Long, Row, Text, Texts, Truth, Value, any_of
from freehold.policy.unknown import UNKNOWN_LICENCE

Place = tuple[str, str]  # a variable of Cedar and its attribute

_LONGS = range(-(2**63), 2**63)
_CLASSES = range(4)


class Universe:
    """The words and the unknowns. ``spelt``: every string in the rules and claims. ``states``: all that there are."""

    def __init__(self, spelt: Iterable[str], states: Iterable[str] = ()) -> None:
        mentioned = {*spelt, UNKNOWN, UNKNOWN_LICENCE, ACTION[1], owned_facts().operator}
        self._own_word = {place: _unspelt(f"any-{_noun(place)}", mentioned) for place in _places(Kind.TEXT)}
        others = _other_states(mentioned, 2 ** len(_places(Kind.TEXTS)) - 1)
        self.words = (*sorted(mentioned, key=_states_first), *others, *self._own_word.values())
        self._index = {word: index for index, word in enumerate(self.words)}
        self._states = frozenset(states)
        self._bools: dict[Place, Truth] = {place: z3.Bool(".".join(place)) for place in _places(Kind.BOOL)}
        self._longs: dict[Place, z3.ArithRef] = {place: z3.Int(".".join(place)) for place in _places(Kind.LONG)}
        self._texts = {place: self._row(place) for place in _places(Kind.TEXT)}
        self._sets = {place: self._row(place) for place in _places(Kind.TEXTS)}
        self._unknown: dict[str, Truth] = {name: z3.Bool(f"{name} is unknown") for name in MAY_BE_UNKNOWN}

    def attribute(self, variable: str, name: str) -> Value | None:
        """None: there is no such attribute."""
        place = (variable, name)
        if place in self._bools:
            return Bool(self._bools[place])
        if place in self._longs:
            return Long(self._longs[place])
        if place in self._texts:
            return Text(self._texts[place])
        return Texts(self._sets[place]) if place in self._sets else None

    def unknown(self, name: str) -> Truth:
        """Whether this attribute of the backend is not known."""
        return self._unknown[name]

    def provider(self) -> z3.BoolRef:
        """The backend is not the estate's own."""
        return z3.Not(self._bools["resource", "owned"])

    def word(self, word: str) -> Text:
        """A string that is spelt out. Raises KeyError unless it was among ``spelt``."""
        index = self._index[word]
        return Text(tuple(position == index for position in range(len(self.words))))

    def well_formed(self) -> Iterator[z3.BoolRef]:
        """What holds for every request, whatever the rules: the types, the classes, the facts of an engine of the
        estate, and what an unknown stands for, as ``judge.backend_entity`` and ``unknown.unknown_of`` have it.
        """
        for row in self._texts.values():
            yield z3.PbEq([(truth, 1) for truth in row], 1)
        for (_, name), number in self._longs.items():
            allowed = _CLASSES if name == "data_class" else _LONGS
            yield z3.And(number >= allowed.start, number < allowed.stop)
        yield z3.Implies(self._bools["resource", "owned"], self._has_facts(owned_facts()))
        for name in STATE_SETS:
            yield from self._unknown_is_everywhere(name, self._sets["resource", name])
        for name in NEVER_EMPTY:
            yield z3.Implies(self.provider(), any_of(self._sets["resource", name]))
        licence = self._texts["resource", "licence"]
        yield self._unknown["licence"] == licence[self._index[UNKNOWN_LICENCE]]
        yield z3.Implies(self._unknown["trains"], self._bools["resource", "trains"])
        retention_days = self._longs["resource", "retention_days"]
        yield z3.Implies(self._unknown["retention_days"], retention_days == LONGEST_DAYS)

    def preferred(self, now_unix: int) -> Iterator[z3.BoolRef]:
        """What makes a counterexample plain to read, most wanted first."""
        yield self._longs["context", "unix_time"] == now_unix
        yield self.provider()
        yield from (z3.Not(unknown) for unknown in self._unknown.values())
        yield from (self._longs["context", "data_class"] == level for level in _CLASSES)
        yield self._longs["resource", "retention_days"] == 0
        yield self._longs["resource", "retention_days"] > 0
        yield z3.Not(self._bools["resource", "trains"])
        for place, word in self._own_word.items():
            yield self._texts[place][self._index[word]]

    def members(self) -> Iterator[z3.BoolRef]:
        """Each word of each set, those first that a reader would miss least."""
        for row in self._sets.values():
            yield from reversed(row)

    def read(self, model: z3.ModelRef) -> Request:
        """The request that the solver found."""
        unknown = {name: holds(model, truth) for name, truth in self._unknown.items()}
        states = {name: self._words_in(model, "resource", name) for name in STATE_SETS}
        facts = BackendFacts(
            operator=self._word_in(model, "resource", "operator"),
            owned=holds(model, self._bools["resource", "owned"]),
            authorities=(UNKNOWN,) if unknown["authorities"] else states["authorities"],
            exposure=(UNKNOWN,) if unknown["exposure"] else states["exposure"],
            locations=(UNKNOWN,) if unknown["locations"] else states["locations"],
            retention_days=None if unknown["retention_days"] else self._number(model, "resource", "retention_days"),
            trains=None if unknown["trains"] else holds(model, self._bools["resource", "trains"]),
        )
        return Request(
            application=Application(
                key=self._word_in(model, "principal", "key"), services=self._words_in(model, "principal", "services")
            ),
            backend=Backend(
                name=self._word_in(model, "resource", NAME),
                facts=facts,
                licence=self._word_in(model, "resource", "licence"),
            ),
            circumstances=Circumstances(
                service=self._word_in(model, "context", "service"),
                purpose=self._word_in(model, "context", "purpose"),
                data_class=DataClass(self._number(model, "context", "data_class")),
                at_unix=self._number(model, "context", "unix_time"),
            ),
        )

    def _row(self, place: Place) -> Row:
        return tuple(z3.Bool(f"{'.'.join(place)} {word}") for word in self.words)

    def _has_facts(self, facts: BackendFacts) -> z3.BoolRef:
        """The backend is known to be this one."""
        held = {"authorities": facts.authorities, "exposure": facts.exposure, "locations": facts.locations}
        sets = [
            truth == (word in held[name])
            for name in STATE_SETS
            for word, truth in zip(self.words, self._sets["resource", name], strict=True)
        ]
        return z3.And(
            self._texts["resource", "operator"][self._index[facts.operator]],
            self._longs["resource", "retention_days"] == facts.retention_days,
            self._bools["resource", "trains"] == facts.trains,
            *(z3.Not(self._unknown[name]) for name in MAY_BE_UNKNOWN if name != "licence"),
            *sets,
        )

    def _unknown_is_everywhere(self, name: str, row: Row) -> Iterator[z3.BoolRef]:
        unknown = self._unknown[name]
        yield unknown == row[self._index[UNKNOWN]]
        yield from (z3.Implies(unknown, row[self._index[word]]) for word in self.words if word in self._states)

    def _number(self, model: z3.ModelRef, variable: str, name: str) -> int:
        return int(model.eval(self._longs[variable, name], model_completion=True).as_long())

    def _word_in(self, model: z3.ModelRef, variable: str, name: str) -> str:
        (word,) = self._held(model, self._texts[variable, name])
        return word

    def _words_in(self, model: z3.ModelRef, variable: str, name: str) -> tuple[str, ...]:
        return tuple(sorted(self._held(model, self._sets[variable, name])))

    def _held(self, model: z3.ModelRef, row: Row) -> list[str]:
        return [word for word, truth in zip(self.words, row, strict=True) if holds(model, truth)]


def holds(model: z3.ModelRef, truth: Truth) -> bool:
    """Whether it is true in the model; what the model leaves open is false."""
    return bool(z3.is_true(model.eval(truth, model_completion=True)))


def _places(kind: Kind) -> list[Place]:
    return [(variable, name) for variable, names in TABLE.items() for name, of in names.items() if of is kind]


def _noun(place: Place) -> str:
    """What a string is called: its attribute, or whose name it is."""
    return "backend" if place == ("resource", NAME) else place[1]


def _unspelt(word: str, mentioned: Collection[str]) -> str:
    while word in mentioned:
        word += "'"
    return word


def _other_states(mentioned: Collection[str], count: int) -> list[str]:
    """Codes that ISO 3166-1 leaves to its users, XA to XZ: they read as states and are none."""
    free = [code for code in (f"X{letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ") if code not in mentioned]
    return (free + [_unspelt(f"any-state-{number}", mentioned) for number in range(count)])[:count]


def _states_first(word: str) -> tuple[bool, str]:
    return not (len(word) == 2 and word.isupper()), word
