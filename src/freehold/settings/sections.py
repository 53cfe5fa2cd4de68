# SPDX-License-Identifier: Apache-2.0
"""The tables of freehold.toml, typed: what each key is called, what it may be, and what it is where it is not given."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from freehold.contract.call import DataClass
from freehold.contract.grant import Place, place_of, read_place

_MOST = 2**31 - 1  # what is larger is a slip of the hand, and finds no room where it is handed on
Positive = Annotated[int, Meta(ge=1, le=_MOST)]
Whole = Annotated[int, Meta(ge=0, le=_MOST)]
Port = Annotated[int, Meta(ge=1, le=65535)]
Seconds = Annotated[float, Meta(ge=0, le=_MOST)]
Patience = Annotated[float, Meta(gt=0, le=_MOST)]
DataClassName = Literal["public", "internal", "personal", "restricted"]
PriorityName = Literal["high", "normal", "low"]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table of the file."""


class EstateSection(Section, frozen=True):
    """What the estate is called where others see it."""

    origin: Annotated[
        str,
        Meta(
            pattern=r"^[a-z0-9][a-z0-9.-]*(/[a-z0-9][a-z0-9._-]*)+\Z",
            description="a name in lower case with at least one /, such as freehold.example.org/paris",
        ),
    ]  # the ledger's C2SP origin
    region: Annotated[str, Meta(pattern=r"^([A-Z]{2})?\Z", description="two capitals of ISO 3166-1, such as DE")] = (
        ""  # the operator's state; licences may exclude it
    )


class ListenSection(Section, frozen=True):
    """The two TCP ports. Any host but loopback needs TLS, or --plaintext."""

    host: str = "127.0.0.1"
    port: Port = 8080
    admin_host: str = "127.0.0.1"
    admin_port: Port = 8081
    tls_cert: str = ""
    tls_key: str = ""


class GatewaySection(Section, frozen=True):
    """The processes that hold the public port."""

    max_body_mb: Annotated[int, Meta(ge=1, le=1024)] = 32
    requests_per_minute: Positive = 60_000  # of a key that was made without a rate of its own
    max_calls: Positive = 2048  # at work at once, in one gateway process
    max_waiting: Whole = 512  # calls that may wait until one of those is over
    max_wait_s: Annotated[float, Meta(gt=0, le=300)] = 0.5  # after which such a call is turned away
    max_held_mb: Positive = 1024  # of the requests at work, together
    body_within_s: Annotated[float, Meta(gt=0, le=3600)] = 60.0  # for a request's body to come
    taken_within_s: Annotated[float, Meta(gt=0, le=3600)] = 60.0  # for a caller to take what waits of an answer
    finished_within_s: Annotated[float, Meta(ge=0, le=600)] = 10.0  # for calls under way, once the estate is to stop


class LedgerSection(Section, frozen=True):
    """The record."""

    reserve_mb: Whole = 256  # kept back for what must still be written when the disk is full
    publish_after_s: Annotated[float, Meta(gt=0, le=60)] = 1.0
    durability: Literal["strict", "relaxed"] = "strict"  # relaxed: acknowledged first, on disk 0.1 s later
    anchor: Annotated[str, Meta(pattern=r"^(/[^\0]+)?\Z", description="an absolute path")] = (
        ""  # a file elsewhere that has the newest checkpoint
    )
    salts_kept_days: Annotated[int, Meta(ge=0, le=36500)] = 183  # 0: for ever
    quorum: str | Positive = "all"  # of the witnesses: "all", "any", how many, or the name of the one that counts
    serve: str = ""  # "host:port": where anybody may read the log over HTTP; empty: nowhere
    prune_after_days: Whole = 0  # how old entries must be before they may be pruned; 0: never

    @property
    def served_at(self) -> Place | None:
        return read_place(self.serve) if self.serve else None


class PolicySection(Section, frozen=True):
    """Which rules decide; the estate's own are in policies/*.cedar."""

    set: Literal["owned-only", "eu-only", "eu-or-adequate", "open"] = "owned-only"
    facts_max_age_days: Positive = 365  # doctor warns of facts that are older
    detector: Literal["identifiers", ""] = ""  # what looks for personal data in the texts of calls
    detector_class: Literal["internal", "personal", "restricted"] = "personal"  # of calls in which it finds any

    @property
    def detected_level(self) -> DataClass:
        return DataClass[self.detector_class.upper()]


class ContinuitySection(Section, frozen=True):
    """What is done when a provider goes."""

    signatures: Annotated[int, Meta(ge=1, le=2)] = 1  # operators that a directive, and its lifting, takes


class ServiceSection(Section, frozen=True):
    """The name that applications put in `model`."""

    targets: Annotated[list[str], Meta(min_length=1)]
    aliases: list[str] = []
    data_class: DataClassName = "internal"
    purpose: Annotated[str, Meta(pattern=r"^[a-z0-9._-]{0,64}\Z", description="a-z, 0-9 and ._- only, at most 64")] = (
        ""  # what it is for, as rules may ask
    )
    priority: PriorityName = "normal"  # of its calls, where they have to wait for an engine
    tool_hold: bool = True  # hold tool calls until they are whole, where another target could take over
    drop: list[Annotated[str, Meta(min_length=1, max_length=64)]] = []  # what of a request may be left out; "*": all
    acceptance: Annotated[str, Meta(max_length=1024)] = ""  # a file of the estate: cases for whoever is to stand in
    rto_s: Patience = 30.0  # in a drill: how long until calls are answered again
    max_lost: Whole = 0  # in a drill: calls that may go without a whole answer
    min_acceptance: Annotated[float, Meta(gt=0, le=1)] = 1.0  # the share of them that is enough
    acceptance_max_age_days: Positive = 90  # a pass that is older is none

    @property
    def level(self) -> DataClass:
        return DataClass[self.data_class.upper()]


class EngineTargetSection(Section, frozen=True):
    """One engine with one model of the vault. What is not set is chosen from the host."""

    engine: Literal["llamacpp", "vllm"]
    model: str
    binary: str = ""  # a llama-server; else one on the PATH, else the xllamacpp package
    environment: str = ""  # a folder of the virtual environment that has vLLM
    gpus: Annotated[int, Meta(ge=0, le=64)] = 0  # that vLLM shares the model out to; 0: it has none, and uses the cores
    tool_parser: Annotated[
        str, Meta(pattern=r"^[A-Za-z0-9_-]{0,64}\Z", description="A-Z, a-z, 0-9, _ and - only, at most 64")
    ] = ""  # how vLLM finds tool calls in an answer
    reasoning_parser: Annotated[
        str, Meta(pattern=r"^[A-Za-z0-9_-]{0,64}\Z", description="A-Z, a-z, 0-9, _ and - only, at most 64")
    ] = ""  # and reasoning
    context_tokens: Positive | None = None  # per slot
    slots: Positive | None = None
    threads: Positive | None = None
    queue: Whole = 64  # calls that may wait for a slot
    sleep_after_s: Seconds = 900.0  # 0: never
    chat_template: str = ""  # a Jinja file in the estate, instead of the model's own


class ProviderTargetSection(Section, frozen=True):
    """One model of a provider."""

    provider: str
    model: Annotated[str, Meta(min_length=1, max_length=256)]  # in the provider's words
    reasoning: bool = True  # whether it can be told how much to reason
    answers_as: list[str] = []  # further names that it may give the model in its answers
    answer_tokens: Positive = 8192  # bound on an answer, where its API demands one and the caller gave none
    retires: Annotated[str, Meta(pattern=r"^(\d{4}-\d{2}-\d{2})?\Z", description="a day as YYYY-MM-DD")] = (
        ""  # the day from which it gets no call, in UTC
    )


TargetSection = EngineTargetSection | ProviderTargetSection


class ProviderSection(Section, frozen=True):
    """Somebody else's API. What is known of whoever runs it comes from the facts, by the same name."""

    key: Annotated[
        str,
        Meta(
            pattern=r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:[^\0]+)?\Z",
            description="env:NAME or file:PATH, and never the key itself",
        ),
    ] = ""  # where it is; never itself
    dialect: Literal["openai", "openai-responses", "anthropic", "mistral", ""] = ""  # else what the facts say
    base_url: str = ""  # else what the facts say
    facts: str = ""  # the file of the estate that has its facts, where they are not in the register
    prefill: Literal["text", "prefix", "none", ""] = ""  # how it continues an answer; else by its dialect
    api_version: str = ""  # of Azure's dated API
    tls_ca: str = ""  # a file of the estate: the authority that signs its certificate, instead of the system's
    allow_private: bool = False  # whether it may lie at a private or loopback address
    give_traceparent: bool = False  # whether it is told which trace a call belongs to
    connect_s: Patience = 5.0
    first_event_s: Patience = 30.0
    idle_s: Patience = 30.0
    whole_answer_s: Patience = 600.0
    least_events_per_minute: Annotated[float, Meta(ge=0, le=_MOST)] = 1.0
    max_answer_mb: Annotated[int, Meta(ge=1, le=1024)] = 64


class GrantSection(Section, frozen=True):
    """Leave for outbound contact that is no call."""

    purpose: Literal["import", "witness", "telemetry"] = msgspec.field(name="for")
    hosts: Annotated[list[str], Meta(min_length=1)]  # "host" or "host:port"; 443 where none is named
    why: Annotated[str, Meta(max_length=200)] = ""  # for whoever reads the list
    allow_private: bool = False  # whether they may lie at private or loopback addresses

    @property
    def places(self) -> frozenset[Place]:
        return frozenset(place for place in map(read_place, self.hosts) if place is not None)


class WitnessSection(Section, frozen=True):
    """Somebody who signs the ledger's head once it is shown to go on from the one that they signed before."""

    vkey: Annotated[str, Meta(min_length=1, max_length=4096)]  # its verifier key: NAME+ID+BASE64
    url: Annotated[str, Meta(min_length=1, max_length=1024)]  # its submission prefix
    monitor_url: Annotated[str, Meta(max_length=1024)] = ""  # its monitoring prefix, where that is another
    tls_ca: str = ""  # a file of the estate: the authority that signs its certificate, instead of the system's
    answer_s: Annotated[float, Meta(gt=0, le=300)] = 10.0

    @property
    def places(self) -> frozenset[Place]:
        return frozenset(place for url in (self.url, self.monitor_url) if (place := place_of(url)) is not None)


class VaultSection(Section, frozen=True):
    """The models."""

    recheck: Literal["always", "changed"] = "always"  # what is read whole before an engine loads it
    hub: str = "https://huggingface.co"  # where imports of hf: go; plain http:// on this machine alone


class TrustSection(Section, frozen=True):
    """What is asked of models that come from somewhere, and whose signatures count for them."""

    match: Annotated[list[Annotated[str, Meta(min_length=1)]], Meta(min_length=1)]  # sources or repositories; "*": any
    mode: Literal["off", "warn", "enforce"] = "enforce"  # for a model that neither a key nor an operator vouches for
    keys: list[str] = []  # public keys of whoever may sign them, such as "file:keys/publisher.pem"
    certificates: list[str] = []  # the same of roots that the signers' certificates lead to


class SignalsSection(Section, frozen=True):
    """What operators' own tools watch the estate by."""

    metrics: bool = True  # whether calls are measured
    traces: Annotated[str, Meta(max_length=1024)] = ""  # an OTLP/HTTP receiver; empty: nothing is traced
    trace_share: Annotated[float, Meta(ge=0, le=1)] = 1.0  # of the calls that get a trace
    take_traceparent: bool = False  # whether callers say which trace a call belongs to, and whether it is kept
    tls_ca: str = ""  # a file of the estate: the authority that signs the receiver's certificate

    @property
    def place(self) -> Place | None:
        return place_of(self.traces) if self.traces else None


class LogSection(Section, frozen=True):
    """What the processes write to run/log."""

    format: Literal["text", "json"] = "text"
    calls: bool = False  # a line for each call, with its ids


class SingleTables(msgspec.Struct, frozen=True, kw_only=True):
    """The tables that there are one of."""

    estate: EstateSection
    listen: ListenSection
    gateway: GatewaySection
    ledger: LedgerSection
    policy: PolicySection
    continuity: ContinuitySection
    vault: VaultSection
    signals: SignalsSection = SignalsSection()
    log: LogSection = LogSection()


class Settings(SingleTables, frozen=True, kw_only=True):
    """The whole file."""

    services: dict[str, ServiceSection]
    targets: dict[str, TargetSection]
    providers: dict[str, ProviderSection]
    grants: dict[str, GrantSection] = {}
    trusts: dict[str, TrustSection] = {}
    witnesses: dict[str, WitnessSection] = {}

    @property
    def engines(self) -> dict[str, EngineTargetSection]:
        """The targets that are engines of this estate."""
        return {name: target for name, target in self.targets.items() if isinstance(target, EngineTargetSection)}

    @property
    def foreign(self) -> dict[str, ProviderTargetSection]:
        """The targets that are somebody else's."""
        return {name: target for name, target in self.targets.items() if isinstance(target, ProviderTargetSection)}
