# SPDX-License-Identifier: Apache-2.0
"""The register: the facts of this release with the estate's own over them. Loaded strictly, or not at all.

It refuses an unknown key, a missing source or date, a name that leads nowhere, a code that is no state, and companies
that own each other in a circle. It does not judge whether a fact is true; that is what its source is for.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from freehold.contract.digest import sha256_of
from freehold.errors import SettingsError
from freehold.policy.facts.document import HINT, Node, read_document
from freehold.policy.facts.entries import (
    Adequacy,
    Fact,
    Jurisdiction,
    Licence,
    LicenceTerms,
    Organisation,
    Owner,
    Provider,
    RepositoryLicence,
    Statute,
    Tables,
)
from freehold.policy.facts.hosts import is_host, lies_at
from freehold.policy.facts.states import STATES

KINDS: Mapping[str, type[Fact]] = {
    "organisations": Organisation,
    "providers": Provider,
    "jurisdictions": Jurisdiction,
    "adequacy": Adequacy,
    "statutes": Statute,
    "licences": Licence,
    "licence_terms": LicenceTerms,
    "repositories": RepositoryLicence,
}
_NAMED = ("organisations", "providers", "licences", "licence_terms", "repositories")
_NAMES = dict.fromkeys(_NAMED, re.compile(r"^[a-z0-9][a-z0-9._-]{0,63}\Z"))
_HOST = "a host name in small letters or an address, without scheme, port or path"
_STATE = "a state of ISO 3166-1 such as FR, or unknown"
_FORMS = {
    "base_url": "http:// or https:// with host and path, without credentials, query or a slash at its end",
    "host": _HOST,
    "share": "a share such as 11%, or majority, minority or unknown",
    "excluded": "a state of ISO 3166-1 such as FR, or a union such as EU",
    "location": _STATE,
    "members": _STATE,
    "seat": _STATE,
    "state": _STATE,
    "states": _STATE,
}
_CODE = re.compile(r"^[A-Z][A-Z0-9-]{1,31}\Z")  # of a state, a union or a statute; and of an abbreviated source
_MOST_FILES = 500

Entries = dict[str, dict[str, Fact]]  # by kind and name


class Register(Tables, frozen=True):
    """All facts in force. ``own`` names the estate's entries, ``overridden`` has what they stand in for."""

    overridden: Tables = Tables()
    own: tuple[str, ...] = ()  # "providers.paris", sorted

    def is_own(self, kind: str, name: str) -> bool:
        return f"{kind}.{name}" in self.own


class Abbreviation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A source that many entries of one file name: what it is, and its day."""

    source: str
    as_of: str


_LEARNT = [msgspec.json.Decoder(kind) for kind in (*KINDS.values(), Abbreviation)]  # while there is one thread


def load_register(own: Path | None = None) -> Register:
    """The facts of this release, with those of the estate's folder ``own`` over them. Raises SettingsError."""
    return build_register(_shipped(), _read_folder(own) if own is not None else [])


def build_register(shipped: Iterable[tuple[str, str]], own: Iterable[tuple[str, str]] = ()) -> Register:
    """The same from texts, each with the name of its file. Their order does not matter."""
    base, over = _read(shipped), _read(own)
    entries: Entries = {kind: {**base.entries[kind], **over.entries[kind]} for kind in KINDS}
    replaced = {
        kind: {name: base.entries[kind][name] for name in over.entries[kind] if name in base.entries[kind]}
        for kind in KINDS
    }
    places = {**base.places, **over.places}
    _check(entries, places)
    return Register(
        **_sorted(entries),
        overridden=Tables(**_sorted(replaced)),
        own=tuple(sorted(f"{kind}.{name}" for kind in KINDS for name in over.entries[kind])),
    )


def facts_digest(register: Register) -> str:
    """SHA-256 over all that decisions are made from, the overridden entries too. The same facts, the same digest."""
    return sha256_of(msgspec.json.encode(register, order="sorted"))


def _shipped() -> list[tuple[str, str]]:
    files = resources.files("freehold.policy.facts").iterdir()
    return [(file.name, file.read_text(encoding="utf-8")) for file in files if file.name.endswith(".yaml")]


def _read_folder(folder: Path) -> list[tuple[str, str]]:
    """The texts of the estate. What looks like a file of facts and cannot be one is refused, never passed over."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml"))
    except FileNotFoundError:
        return []
    except OSError as exc:
        raise SettingsError(f"{folder}: is not a folder that can be read", hint=HINT) from exc
    if len(paths) > _MOST_FILES:
        raise SettingsError(f"{folder}: holds more than {_MOST_FILES} files of facts", hint=HINT)
    return [(str(path), _text_of(path)) for path in paths]


def _text_of(path: Path) -> str:
    if path.suffix != ".yaml":
        raise SettingsError(f"{path}: a file of facts ends in .yaml", hint="Rename it, or take it out of the folder.")
    if not path.is_file():
        raise SettingsError(f"{path}: is not a file", hint=HINT)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(f"{path}: cannot be read as UTF-8 text", hint=HINT) from exc


class _Source:
    """Entries of one level, shipped or own, with the file that each is from."""

    def __init__(self) -> None:
        self.entries: Entries = {kind: {} for kind in KINDS}
        self.places: dict[tuple[str, str], str] = {}

    def add(self, file: str, kind: str, name: str, fact: Fact) -> None:
        if other := self.places.get((kind, name)):
            raise _error(file, kind, name, f"stands in {other} too")
        self.entries[kind][name] = fact
        self.places[kind, name] = file


def _read(texts: Iterable[tuple[str, str]]) -> _Source:
    source = _Source()
    for file, text in sorted(texts):
        document = read_document(text, file)
        abbreviations = _abbreviations(file, document.pop("sources", {}))
        for kind, table in document.items():
            if kind not in KINDS:
                raise SettingsError(f"{file}: unknown table {kind!r}", hint=HINT)
            if not isinstance(table, dict):
                raise SettingsError(f"{file}: {kind!r} is a mapping of entries by name", hint=HINT)
            for name, node in table.items():
                if not _NAMES.get(kind, _CODE).match(name):
                    raise _error(file, kind, name, "is not a name that this table takes")
                source.add(file, kind, name, _convert(file, kind, name, _spelt_out(node, abbreviations)))
    return source


def _abbreviations(file: str, table: Node) -> dict[str, Abbreviation]:
    if not isinstance(table, dict) or not all(map(_CODE.match, table)):
        raise SettingsError(f"{file}: 'sources' is a mapping from capitals to a source and its day", hint=HINT)
    try:
        return {name: msgspec.convert(node, Abbreviation) for name, node in table.items()}
    except msgspec.ValidationError as exc:
        raise SettingsError(f"{file}: sources: each has 'source' and 'as_of', and nothing else", hint=HINT) from exc


def _spelt_out(node: Node, abbreviations: Mapping[str, Abbreviation]) -> Node:
    """The node with each abbreviated source in full, and its day where none is given."""
    if isinstance(node, list):
        return [_spelt_out(item, abbreviations) for item in node]
    if isinstance(node, str):
        return node
    spelt = {key: _spelt_out(value, abbreviations) for key, value in node.items()}
    source = spelt.get("source")
    if isinstance(source, str) and source in abbreviations:
        spelt["source"] = abbreviations[source].source
        spelt.setdefault("as_of", abbreviations[source].as_of)
    return spelt


def _convert(file: str, kind: str, name: str, node: Node) -> Fact:
    try:
        fact = msgspec.convert(node, KINDS[kind], strict=False)
    except msgspec.ValidationError as exc:
        raise _error(file, kind, name, _explained(str(exc))) from exc
    for path, inner in walk(fact):
        if not inner.source.strip() or _CODE.match(inner.source):
            place = f"{path}: " if path else ""
            raise _error(file, kind, name, f"{place}{inner.source!r} is no source: name a URL or a public document")
    return fact


def _explained(said: str) -> str:
    """The message of msgspec in our words."""
    what, _, path = said.partition(" - at `$")
    place = path.strip("`").strip(".")
    field = place.rpartition(".")[2].partition("[")[0]
    if missing := re.search(r"missing required field `([^`]*)`", what):
        what = f"lacks {missing[1]!r}"
    elif unknown := re.search(r"unknown field `([^`]*)`", what):
        what = f"unknown key {unknown[1]!r}"
    elif "matching regex" in what:
        what = f"is not {_FORMS.get(field, 'a name of a-z, 0-9 and ._-')}"
    elif "RFC3339" in what:
        what = "is not a day such as 2026-11-22"
    what = what.replace("`", "'")
    return f"{place}: {what}" if place else what


def walk(fact: Fact, path: str = "") -> Iterator[tuple[str, Fact]]:
    """A fact and every fact in it, each with its path from the first."""
    yield path, fact
    for field in msgspec.structs.fields(fact):
        value = getattr(fact, field.name)
        inner = f"{path}.{field.name}" if path else field.name
        for number, item in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(item, Fact):
                yield from walk(item, f"{inner}[{number}]" if isinstance(value, list) else inner)


def _check(entries: Entries, places: Mapping[tuple[str, str], str]) -> None:
    for kind, table in entries.items():
        for name, entry in table.items():
            if problem := _problem(kind, name, entry, entries):
                raise _error(places[kind, name], kind, name, problem)
    organisations: dict[str, Any] = entries["organisations"]
    if circle := _circle(organisations):
        place = places["organisations", circle[0]]
        raise _error(place, "organisations", circle[0], f"a circle of owners: {' is owned by '.join(circle)}")


def _problem(kind: str, name: str, entry: Fact, entries: Entries) -> str:
    """What an entry says that cannot be, in the light of the others; empty if nothing."""
    if kind == "providers" and name == "self":
        return "'self' means the estate: call the provider something else"
    if isinstance(entry, Provider) and (wrong_host := _wrong_host(entry)):
        return wrong_host
    codes = [name] if kind == "adequacy" and isinstance(entry, Adequacy) and entry.kind == "state" else []
    for path, fact in walk(entry):
        if problem := _problem_of_one(path, fact, entries):
            return problem
        codes += _states_in(fact, entries)
    wrong = next((code for code in codes if code not in STATES and code != "unknown"), None)
    return f"{wrong!r} is not a state of ISO 3166-1, such as FR or GB" if wrong else ""


def _problem_of_one(path: str, fact: Fact, entries: Entries) -> str:
    """What one fact of an entry says that cannot be, whatever the facts in it say; empty if nothing."""
    organisation = getattr(fact, "organisation", None)
    if organisation is not None and organisation not in entries["organisations"]:
        return f"{path}: there is no organisation {organisation!r}"
    for licence in getattr(fact, "licences", ()):
        if licence not in entries["licences"]:
            return f"licences: there is no licence {licence!r}"
    if isinstance(fact, Owner) and fact.effective and fact.until and fact.until <= fact.effective:
        return f"{path}: ends before it takes effect"
    return ""


def _states_in(fact: Fact, entries: Entries) -> Iterator[str]:
    """What stands in a fact for a state. What a licence excludes may be a jurisdiction of the register, too."""
    if isinstance(fact, LicenceTerms):
        yield from (code for code in fact.excluded if code not in entries["jurisdictions"])
    yield from (code for field in ("seat", "state", "location") if (code := getattr(fact, field, None)))
    yield from getattr(fact, "states", ())
    yield from getattr(fact, "members", ())


def _wrong_host(provider: Provider) -> str:
    """What is wrong with the hosts of a provider, or with where its base URL lies; empty if nothing."""
    for number, known in enumerate(provider.hosts):
        if not is_host(known.host):
            return f"hosts[{number}].host: is not {_HOST}"
    try:
        host = urlsplit(provider.base_url).hostname or ""
    except ValueError:
        return "base_url: is not a URL"
    at_home = not provider.base_url or any(lies_at(host, known.host) for known in provider.hosts)
    return "" if at_home else "base_url: lies at none of its hosts"


def _circle(organisations: Mapping[str, Organisation]) -> list[str]:
    """Organisations of which each is controlled by the next and the last is the first; empty if there are none."""
    parents = {
        name: {owner.organisation for owner in organisation.owners.listed if owner.controls}
        for name, organisation in organisations.items()
        if organisation.owners is not None
    }
    try:
        TopologicalSorter(parents).prepare()
    except CycleError as circle:
        found: list[str] = circle.args[1]
        return found[::-1]
    return []


def _sorted(entries: Entries) -> dict[str, Any]:
    return {kind: dict(sorted(table.items())) for kind, table in entries.items()}


def _error(file: str, kind: str, name: str, what: str) -> SettingsError:
    return SettingsError(f"{file}: {kind}.{name}: {what}", hint=HINT)
