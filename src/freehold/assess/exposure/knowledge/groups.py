# SPDX-License-Identifier: Apache-2.0
"""The types of the data files, and the one value that every rule comes down to."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import msgspec

ECOSYSTEMS = ("pypi", "npm", "go", "maven", "nuget", "gem", "crates", "composer")
Ecosystem = Literal["pypi", "npm", "go", "maven", "nuget", "gem", "crates", "composer"]
Language = Literal["python", "javascript", "go", "java", "csharp", "ruby", "rust", "php"]


class Kind(StrEnum):
    """What a finding is."""

    PACKAGE = "package"
    CODE = "code"
    ENDPOINT = "endpoint"
    MODEL = "model"
    ENV = "env"
    IAC = "iac"
    AGENT_CONFIG = "agent_config"
    GATEWAY = "gateway"
    HUB_DOWNLOAD = "hub_download"
    TELEMETRY = "telemetry"
    VECTOR_STORE = "vector_store"


class Certainty(StrEnum):
    """How sure it is that a rule that fits means what it says."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Whom something betrays, how surely, and by which source. ``kind`` is set where it is not said by the place."""

    provider: str
    source: str
    certainty: Certainty = Certainty.HIGH
    kind: Kind | None = None
    note: str = ""
    owned: bool = False  # it is one's own: listed apart, and no exposure


class Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of a data file."""


class Group(Strict, frozen=True):
    """Rules that share provider, kind, confidence and source."""

    provider: str
    source: str
    confidence: Certainty = Certainty.HIGH
    kind: Kind | None = None
    note: str = ""
    owned: bool = False
    packages: dict[Ecosystem, list[str]] = {}
    modules: dict[Language, list[str]] = {}
    names: dict[Language, list[str]] = {}
    clients: list[str] = []  # services of boto3 and its like
    hosts: list[str] = []
    variables: list[str] = []
    url_variables: list[str] = []  # whose value says where calls go
    settings: list[str] = []  # prefixes of keys such as spring.ai.openai
    models: list[str] = []
    asked: list[str] = []
    asked_only: bool = False  # its models, too, count only where a model is named

    @property
    def rule(self) -> Rule:
        return Rule(
            provider=self.provider,
            source=self.source,
            certainty=self.confidence,
            kind=self.kind,
            note=self.note,
            owned=self.owned,
        )


class Groups(Strict, frozen=True):
    """A file of groups."""

    groups: list[Group]


class Line(Strict, frozen=True):
    """A pattern over one line. Its first group is the evidence, or ``as``."""

    provider: str
    source: str
    match: str
    kind: Kind = Kind.IAC
    confidence: Certainty = Certainty.HIGH
    shown: str = msgspec.field(name="as", default="")


class Assistant(Strict, frozen=True):
    """Files whose presence is the finding."""

    provider: str
    source: str
    files: list[str]


class Named(Strict, frozen=True):
    """Files that name a provider, or a model, as the value of a key."""

    kind: Kind
    what: str
    source: str
    files: list[str]
    keys: list[str]
    contains: str = ""
    within: str = ""  # the key above it
    block: bool = False  # the key itself is the name of the provider
    list: bool = False  # values may stand in items of a list, without the key


class Fetch(Strict, frozen=True):
    """Calls that fetch at run time. ``from``: modules that must be imported; ``named``: no first argument counts."""

    provider: str
    source: str
    calls: list[str]
    argument: list[str]
    modules: list[str] = msgspec.field(name="from", default=[])
    named: bool = False


class Secret(Strict, frozen=True):
    """What a secret looks like."""

    what: str
    provider: str
    match: str


class Places(Strict, frozen=True):
    """The file of rules that are bound to a kind of file."""

    titles: dict[str, str]
    compatible: list[str]
    beyond: dict[str, str]
    stems: list[str]
    words: list[str]
    sites: dict[str, str]
    hints: list[str]
    infrastructure: list[Line]
    images: dict[str, list[str]]
    assistants: list[Assistant]
    named: list[Named]
    aliases: dict[str, str]
    publishers: list[str]
    telling: dict[str, list[str]]
    fetches: list[Fetch]
    calls: list[str]
    base_url_arguments: list[str]
    model_arguments: list[str]
    secrets: list[Secret]
