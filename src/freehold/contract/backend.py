# SPDX-License-Identifier: Apache-2.0
"""Who may see a call: services, their targets, and what is known of the backend behind each."""

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from freehold.contract.call import DataClass


class BackendKind(StrEnum):
    """An engine is owned; a provider is somebody else's."""

    ENGINE = "engine"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model by its name. ``digest`` is ``sha256:`` and 64 hex digits over the weights file; a provider's has none."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One backend and model that may answer for a service."""

    name: str
    kind: BackendKind
    model: Model
    operator: str  # "self" for an engine of this estate, else the provider's name
    authorities: tuple[str, ...] = ()  # states that can compel the operator; empty for the estate's own engines
    licence: str = ""  # SPDX id of the model's licence; empty: not known
    answers_as: tuple[str, ...] = ()  # further names that a provider may give the model in its answers
    reasoning: bool = True  # whether a provider's model can be told how much to reason
    engine_digest: str = ""  # of its engine's build, ``sha256:`` and 64 hex digits; empty: a provider's, or not known
    answer_tokens: int = 8192  # bound on an answer where a provider's API demands one and the caller gave none


class Priority(IntEnum):
    """Which calls come first where they have to wait for an engine, and which go first where no more may wait."""

    LOW = 0
    NORMAL = 1
    HIGH = 2
    BEGUN = 3  # no service's: of an answer that its caller has in part, and that another target broke off


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The name an application puts in `model`."""

    name: str
    data_class: DataClass
    targets: tuple[str, ...]  # order of preference
    aliases: tuple[str, ...] = ()
    purpose: str = ""  # what it is for, as rules may ask; empty: not said
    priority: Priority = Priority.NORMAL  # of its calls, where they have to wait for an engine
    unqualified: tuple[str, ...] = ()  # targets that have not passed its cases: they stand in for no other
    tool_hold: bool = True  # whether tool calls are held until whole, so that another target can make them instead
    drop: tuple[str, ...] = ()  # what of a request may be left out where a target has no place for it; "*": all


class EngineState(StrEnum):
    """Where an engine's process is in its life."""

    STARTING = "starting"
    READY = "ready"
    ASLEEP = "asleep"  # stopped after idle time; a call wakes it
    RESTARTING = "restarting"  # it died; back-off before the next start
    FAILED = "failed"  # it cannot be started until a person has acted


@dataclass(frozen=True, slots=True, kw_only=True)
class Jail:
    """What an engine's process was denied. A part that could not be had is named in ``missing`` with the reason.

    What an engine needs that others are denied is named in ``left``: no host could take it away.
    """

    network_namespace: bool = False
    seccomp: bool = False
    landlock: bool = False
    missing: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    @property
    def sealed(self) -> bool:
        return self.network_namespace and self.seccomp and self.landlock


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStatus:
    """What the supervisor knows of one target's engine. Token counts are per slot."""

    target: str
    state: EngineState
    engine: str = "llamacpp"  # which kind
    model: str = ""  # its name in the vault, and in answers
    socket: str = ""  # path of its unix socket, once it listens
    pid: int = 0
    build: str = ""  # which engine, which build
    engine_digest: str = ""  # of the very file that runs: ``sha256:`` and 64 hex digits
    context_tokens: int = 0
    slots: int = 0
    threads: int = 0
    queue: int = 0  # calls that may wait for a slot
    tools: bool = False  # the chat template knows tools
    fim: bool = False
    embeds: bool = False  # it makes vectors, and nothing else
    restarts: int = 0
    reason: str = ""  # why it is not ready, for a person
    weights: str = ""  # how they are known to be what was imported: an Assurance; empty before the first load
    vouched: str = ""  # why they may run, for a person
    jail: Jail = field(default_factory=Jail)
