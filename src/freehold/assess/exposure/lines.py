# SPDX-License-Identifier: Apache-2.0
"""What one line of text betrays: endpoints, variables, names of models, resources of infrastructure. Pure.

The line comes without its comment. What a sentence says about a model is no dependency; what names one to be asked is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from freehold.assess.exposure.finding import OWN, UNKNOWN_PROVIDER, Found, found_by
from freehold.assess.exposure.hosts import BARE, URL, Address, read_url
from freehold.assess.exposure.knowledge import Certainty, Kind, Knowledge, Rule

_TOKEN: Final = re.compile(r"(?<![\w@./:-])(?:@cf/|@hf/)?[A-Za-z][\w.:/@-]{1,160}")
_MODEL_BEFORE: Final = re.compile(
    r"""(?ix)(?:\bmodels?|model[_-]?(?:name|names|id|ids|version|slug|list)?|[\w-]*[_-]models?|engine|deployment(?:[_-]?(?:name|id))?
        |\bllm|\bid|-m|--model)["'`\]]*\s*(?:\)|:|=>|:=|=|\(|,|\s)\s*(?:(?:os\.)?\w+\(\s*(?:["'\w]+\s*,\s*)?)?[\[{("'`rbfu\s]*$"""
)
_NAMES_A_MODEL: Final = re.compile(
    r"(?i)(?<![a-z])(?:[\w-]*model(?:s|_?name|_?id)?|--model|engine|deployment(?:_?name|_?id)?|llm)(?![a-z])"
)
_VARIABLE: Final = re.compile(r"(?<![A-Za-z0-9_])[A-Z][A-Z0-9]*_[A-Z0-9_]{2,60}(?![A-Za-z0-9_])")
_CONFIGURED: Final = re.compile(r"(?<![\w.-])([A-Za-z][A-Za-z0-9_-]{5,50}(?:[kK]ey|[tT]oken))(?![\w-])")
_ADDED: Final = re.compile(
    r"^(?:VITE|NEXT_PUBLIC|REACT_APP|NUXT_PUBLIC|NUXT|EXPO_PUBLIC|TF_VAR|GATSBY|PUBLIC|MY|APP|DEV|PROD|STAGING|TEST|CI)_"
)
_VALUE: Final = re.compile(r"""["'\])}]*\s*(?:[:=,]|\?=|:=|\s(?=https?:))\s*["']?(?:\$\{\w+:-)?([^\s"'}]+)""")
_AIMED: Final = re.compile(
    r"(?i)(?:base_?ur[li]|api_?base|base_?path|azure_?endpoint|uri_?base|inference_server_url|proxy_?url|api_?url|endpoint)[\"'\])]*\s*(?:[:=(,]|=>)\s*[\"'(\w.]*$"
)
_API: Final = re.compile(
    r"/(?:v\d|openai)(?:/(?:chat/completions|completions|messages|embeddings|responses|models))?/?$"
)
_CALLED: Final = re.compile(r"/v\d/(?:chat/completions|messages|embeddings|responses)/?$")
_OF_MODELS: Final = re.compile(
    r"(?i)openai|\bllm|[_-]llm|gpt|claude|anthropic|inference|completion|vllm|mistral|model|azure|api_base"
)
_IMAGE: Final = re.compile(r"""^\s*(?:-\s*)?(?:image\s*[:=]\s*|FROM\s+(?:--\S+\s+)?|repository:\s*)["']?([\w./-]+)""")
_MOST_WORDS: Final = 4  # more are a sentence


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of the line beforehand."""

    file: str
    number: int
    asked: bool = False  # it stands in a list of models
    code: bool = False  # it is the source of a program: names in it are no settings
    command: bool = False  # it is a command: its words are no sentence


class Lines:
    """The rules that look at a line."""

    def __init__(self, known: Knowledge) -> None:
        self._known = known
        self._resources = [(re.compile(line.match), line) for line in known.places.infrastructure]
        self._hints = tuple(known.places.hints)
        self._sites = {host: re.compile(path) for host, path in known.places.sites.items()}
        self._compact = {
            name.replace("_", ""): (name, rule)
            for name, rule in known.variables.items()
            if name.endswith(("KEY", "TOKEN"))
        }
        self._own_images = frozenset(image for images in known.places.images.values() for image in images)

    def all(self, line: str, at: Context) -> Iterator[Found]:
        """Everything that a line of settings or commands betrays."""
        yield from self.endpoints(line, at)
        yield from self.variables(line, at)
        yield from self.models(line, at)
        yield from self.resources(line, at)

    def endpoints(self, line: str, at: Context) -> Iterator[Found]:
        if "://" in line:
            for match in URL.finditer(line):
                address = read_url(match[0])
                if address is not None:
                    yield from self._endpoint(address, line[: match.start()], at)
        if "." not in line or not has_any(line, self._known.domains):
            return
        bare = URL.sub(" ", line) if "://" in line else line
        for match in BARE.finditer(bare.lower()):
            host = match[0].partition(":")[0]
            rule = self._known.host(host)
            if rule is not None and host not in self._sites:
                yield found_by(rule, at.file, at.number, Kind.ENDPOINT, match[0], host=host)

    def _endpoint(self, address: Address, before: str, at: Context) -> Iterator[Found]:
        rule = self.destination(address)
        if rule is not None:
            yield found_by(rule, at.file, at.number, Kind.ENDPOINT, address.shown, host=address.host)
        elif self._known.host(address.host) is None and self._is_asked(address, before):
            yield self.stranger(address, at)

    def destination(self, address: Address) -> Rule | None:
        """Who is known to answer there, where the path is not that of a web page."""
        rule = self._known.host(address.host)
        site = self._sites.get(address.host)
        return None if rule is None or (site is not None and not site.match(address.path)) else rule

    def stranger(self, address: Address, at: Context) -> Found:
        """One's own endpoint, or one of somebody unknown."""
        rule = Rule(
            provider=OWN if address.owned else UNKNOWN_PROVIDER,
            source="",
            certainty=Certainty.HIGH if address.owned else Certainty.MEDIUM,
            note="" if address.owned else "no facts name this host",
        )
        return found_by(rule, at.file, at.number, Kind.ENDPOINT, address.shown, owned=address.owned, host=address.host)

    @staticmethod
    def _is_asked(address: Address, before: str) -> bool:
        """Whether models are asked there: by its path, or by the name that it is given."""
        if _CALLED.search(address.path):
            return True
        if not _AIMED.search(before) or not _API.search(address.path):
            return False
        return address.owned or _OF_MODELS.search(f"{before[-60:]} {address.host}") is not None

    def variables(self, line: str, at: Context) -> Iterator[Found]:
        for match in _VARIABLE.finditer(line) if "_" in line else ():
            name = match[0] if match[0] in self._known.variables else _ADDED.sub("", match[0])
            rule = self._known.variables.get(name)
            if rule is not None:
                yield self._variable(name, match[0], rule, line[match.end() :], at)
        for match in () if at.code else _CONFIGURED.finditer(line):
            known = self._compact.get(re.sub(r"[_-]", "", match[1]).upper())
            if known and not match[1].isupper():
                yield found_by(known[1], at.file, at.number, Kind.ENV, match[1])

    def _variable(self, name: str, written: str, rule: Rule, after: str, at: Context) -> Found:
        """A variable that says where calls go is about whoever is there."""
        found = found_by(rule, at.file, at.number, Kind.ENV, written)
        value = _VALUE.match(after) if name in self._known.url_variables else None
        address = read_url(value[1] if "://" in value[1] else f"http://{value[1]}") if value else None
        if address is None or found.owned:
            return found
        destination = self.destination(address)
        if address.owned and address.host != value[1].strip("${}").lower():  # type: ignore[index] # there is one
            return replace(found, owned=True, provider=OWN, host=address.host)
        return replace(found, provider=destination.provider) if destination else found

    def models(self, line: str, at: Context) -> Iterator[Found]:
        """Names of models that stand alone, or where a model is named."""
        if "-" not in line and "/" not in line and not at.asked and not _NAMES_A_MODEL.search(line):
            return
        prose = not at.command and len(line.split()) > _MOST_WORDS + 2
        for match in _TOKEN.finditer(line):
            if "://" in match[0]:
                continue
            before = line[: match.start()]
            asked = at.asked or _MODEL_BEFORE.search(before[-120:]) is not None
            if prose and not asked and not _is_alone(line, match.start(), match.end()):
                continue
            yield from self.named(match[0], at, asked=asked)

    def named(self, token: str, at: Context, *, asked: bool) -> Iterator[Found]:
        """A name, if it is that of a model."""
        name = _without_suffix(token.rstrip(".:,/-@"))
        rule = self._known.routed(name, asked=asked) or self._known.model(name, asked=asked)
        if rule is None and ":" in name and not name.startswith("arn:"):
            name = name.partition(":")[2]
            rule = self._known.model(name, asked=asked)
        if rule is not None:
            yield found_by(rule, at.file, at.number, Kind.MODEL, name, model=name)

    def resources(self, line: str, at: Context) -> Iterator[Found]:
        if not has_any(line, self._hints):
            return
        for pattern, rule in self._resources:
            if match := pattern.search(line):
                evidence = rule.shown or match[1]
                as_rule = Rule(provider=rule.provider, source=rule.source, certainty=rule.confidence, kind=rule.kind)
                yield found_by(as_rule, at.file, at.number, rule.kind, re.sub(r"\s+", " ", evidence)[:120])
        image = _IMAGE.match(line)
        if image and image[1] in self._own_images:
            own = Rule(provider=OWN, source="", owned=True)
            yield found_by(own, at.file, at.number, Kind.IAC, image[1])


def has_any(text: str, words: tuple[str, ...]) -> bool:
    """Whether one of them is in it: a loop is quicker here than one expression for all."""
    for word in words:  # noqa: SIM110 - any() over a generator takes twice as long, a hundred thousand times
        if word in text:
            return True
    return False


def _is_alone(line: str, start: int, end: int) -> bool:
    """Whether it is all that stands between quotes."""
    before, after = line[start - 1 : start], line[end : end + 1]
    return before in ("'", '"', "`") and after == before


def _without_suffix(name: str) -> str:
    """A tuned model carries the name of whoever tuned it, which is nobody's business here."""
    return ":".join(name.split(":")[:2]) if name.startswith("ft:") else name
