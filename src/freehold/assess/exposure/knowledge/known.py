# SPDX-License-Identifier: Apache-2.0
"""The data files as questions: is this package, module, host, name, variable or model known?"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib import resources
from typing import Any

import msgspec
import yaml

from freehold.assess.exposure.knowledge.groups import Group, Groups, Kind, Places, Rule
from freehold.policy.facts.hosts import lies_at

_FILES = ("vendors.yaml", "hosts.yaml", "around.yaml")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SAME_NAMES = {"npm": "javascript", "go": "go"}  # packages that are imported by their own names
_REGISTER = "src/freehold/policy/facts/providers.yaml"


class Knowledge:
    """All rules, compiled. ``hosts`` of the register come in with their provider's name and source."""

    def __init__(self, groups: Iterable[Group], places: Places, hosts: Iterable[tuple[str, str, str]] = ()) -> None:
        """``hosts``: name or pattern, provider, source."""
        known = list(groups)
        self.places = places
        self._packages = _Names(_package_names(known))
        self._modules = {language: _Prefixes(_module_names(known, language)) for language in _languages(known)}
        self.names = {language: dict(_class_names(known, language)) for language in _languages(known)}
        self.clients = {name: group.rule for group in known for name in group.clients}
        named = [*_host_names(known), *_registered(hosts)]
        self._hosts = _Hosts(named)
        self.domains = tuple(
            sorted({".".join(host.split(".")[-2:]) for host, _ in named})
        )  # of which a known host has one
        self.variables = {name: group.rule for group in known for name in (*group.variables, *group.url_variables)}
        self.url_variables = frozenset(name for group in known for name in group.url_variables)
        self.settings = {prefix: group.rule for group in known for prefix in group.settings}
        self._models = _Models(known)
        self.aliases = places.aliases

    def package(self, ecosystem: str, name: str) -> Rule | None:
        return self._packages.find(f"{ecosystem} {name.lower() if ecosystem != 'maven' else name}")

    def module(self, language: str, path: str) -> Rule | None:
        """By the longest module that the path lies in. The language's own separators count."""
        prefixes = self._modules.get(language)
        return prefixes.find(path) if prefixes else None

    def host(self, host: str) -> Rule | None:
        return self._hosts.find(host.lower().rstrip("."))

    def model(self, name: str, *, asked: bool) -> Rule | None:
        """``asked``: a model is named there, so that names count that are words elsewhere."""
        return self._models.find(name, asked=asked)

    def routed(self, name: str, *, asked: bool) -> Rule | None:
        """A name with its provider in front, such as ``azure/gpt-4o`` or ``openai:gpt-4o``."""
        head, separator, rest = _split(name)
        provider = self.aliases.get(head.lower()) if separator else None
        if provider is None or not rest:
            return None
        strong = self.model(rest.rpartition("/")[2], asked=False) or self.model(rest, asked=False)
        if strong is None and (not asked or head.lower() in self.places.publishers):
            return None
        source = strong.source if strong else "https://docs.litellm.ai/docs/providers"
        return Rule(provider=provider, source=source, owned=provider == "self")

    def alias(self, name: str) -> str | None:
        """The provider that a gateway or an editor calls so."""
        return self.aliases.get(name.strip().lower())


@lru_cache(maxsize=2)
def load_knowledge(hosts: tuple[tuple[str, str, str], ...] = ()) -> Knowledge:
    """The data of this release. ``hosts`` are those of a register of providers: name, provider, source."""
    groups = [group for name in _FILES for group in _read(name, Groups).groups]
    return Knowledge(groups, _read("places.yaml", Places), hosts)


def _read(name: str, kind: type[Any]) -> Any:
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    return msgspec.convert(yaml.load(text, Loader=_LOADER), kind)  # noqa: S506 - a loader of plain values


class _Names:
    """Names, some with ``*`` for anything."""

    def __init__(self, rules: Iterable[tuple[str, Rule]]) -> None:
        self._exact: dict[str, Rule] = {}
        self._patterns: list[tuple[re.Pattern[str], Rule]] = []
        for name, rule in rules:
            if "*" in name:
                self._patterns.append((re.compile(re.escape(name).replace(r"\*", ".*")), rule))
            else:
                self._exact.setdefault(name, rule)
        self.find = lru_cache(maxsize=65536)(self._find)

    def _find(self, name: str) -> Rule | None:
        found = self._exact.get(name)
        return found or next((rule for pattern, rule in self._patterns if pattern.fullmatch(name)), None)


class _Prefixes:
    """Modules, by themselves and with all that lies in them."""

    def __init__(self, rules: Iterable[tuple[str, Rule]]) -> None:
        self._names = _Names(rules)

    def find(self, path: str) -> Rule | None:
        while path:
            if found := self._names.find(path):
                return found
            path = path[: max(path.rfind(separator) for separator in "./:\\") + 1][:-1].rstrip(":")
        return None


class _Hosts:
    def __init__(self, rules: Iterable[tuple[str, Rule]]) -> None:
        self._exact: dict[str, Rule] = {}
        self._patterns: list[tuple[str, Rule]] = []
        for host, rule in rules:
            if "{" in host:
                self._patterns.append((host, rule))
            else:
                self._exact.setdefault(host, rule)
        self.find = lru_cache(maxsize=16384)(self._find)

    def _find(self, host: str) -> Rule | None:
        found = self._exact.get(host)
        return found or next((rule for written, rule in self._patterns if lies_at(host, written)), None)


class _Models:
    """One expression for all that count anywhere, and one for those that count where a model is named."""

    def __init__(self, groups: Iterable[Group]) -> None:
        self._rules: list[Rule] = []
        anywhere: list[str] = []
        asked: list[str] = []
        for group in groups:
            for number, pattern in enumerate((*group.models, *group.asked)):
                named = f"(?P<r{len(self._rules)}>{pattern})"
                self._rules.append(group.rule)
                (asked if group.asked_only or number >= len(group.models) else anywhere).append(named)
        self._anywhere = re.compile("|".join(anywhere))
        self._asked = re.compile("|".join(asked))
        self.find = lru_cache(maxsize=65536)(self._find)

    def _find(self, name: str, *, asked: bool) -> Rule | None:
        found = self._anywhere.fullmatch(name) or (self._asked.fullmatch(name) if asked else None)
        return self._rules[int(str(found.lastgroup)[1:])] if found and found.lastgroup else None


def _package_names(groups: Iterable[Group]) -> Iterator[tuple[str, Rule]]:
    for group in groups:
        for ecosystem, names in group.packages.items():
            for name in names:
                yield f"{ecosystem} {name.lower() if ecosystem != 'maven' else name}", group.rule


def _module_names(groups: Iterable[Group], language: str) -> Iterator[tuple[str, Rule]]:
    for group in groups:
        for spoken, names in group.modules.items():
            if spoken == language:
                yield from ((name, group.rule) for name in names)
        for ecosystem, names in group.packages.items():
            if _SAME_NAMES.get(ecosystem) == language:
                yield from ((name, group.rule) for name in names)


def _class_names(groups: Iterable[Group], language: str) -> Iterator[tuple[str, Rule]]:
    for group in groups:
        for spoken, names in group.names.items():
            if spoken == language:
                yield from ((name.replace("::", "."), group.rule) for name in names)


def _languages(groups: Iterable[Group]) -> set[str]:
    spoken = {language for group in groups for language in (*group.modules, *group.names)}
    return spoken | set(_SAME_NAMES.values())


def _host_names(groups: Iterable[Group]) -> Iterator[tuple[str, Rule]]:
    for group in groups:
        yield from ((host, group.rule) for host in group.hosts if "/" not in host)


def _registered(hosts: Iterable[tuple[str, str, str]]) -> Iterator[tuple[str, Rule]]:
    for host, provider, source in hosts:
        hub = Kind.HUB_DOWNLOAD if host == "huggingface.co" else None
        yield host, Rule(provider=provider, source=source or _REGISTER, kind=hub)


def _split(name: str) -> tuple[str, str, str]:
    at = min((place for mark in "/:" if (place := name.find(mark)) > 0), default=-1)
    return (name[:at], name[at], name[at + 1 :]) if at > 0 else (name, "", "")
