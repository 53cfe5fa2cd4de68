# SPDX-License-Identifier: Apache-2.0
"""freehold.toml: read once, typed. An unknown key, a wrong type or a name that leads nowhere stops the start."""

import re
import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from freehold.contract.call import DataClass
from freehold.contract.grant import Place, place_of, read_place
from freehold.errors import SettingsError

Positive = Annotated[int, Meta(ge=1)]
Port = Annotated[int, Meta(ge=1, le=65535)]
Seconds = Annotated[float, Meta(ge=0)]
DataClassName = Literal["public", "internal", "personal", "restricted"]
PriorityName = Literal["high", "normal", "low"]
T = TypeVar("T")


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table of the file."""


class EstateSection(Section, frozen=True):
    """What the estate is called where others see it."""

    origin: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9.-]*(/[a-z0-9][a-z0-9._-]*)+\Z")]  # the ledger's C2SP origin
    region: Annotated[str, Meta(pattern=r"^([A-Z]{2})?\Z")] = ""  # the operator's state; licences may exclude it


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
    max_waiting: Annotated[int, Meta(ge=0)] = 512  # calls that may wait until one of those is over
    max_wait_s: Annotated[float, Meta(gt=0, le=300)] = 0.5  # after which such a call is turned away
    max_held_mb: Positive = 1024  # of the requests at work, together
    body_within_s: Annotated[float, Meta(gt=0, le=3600)] = 60.0  # for a request's body to come
    taken_within_s: Annotated[float, Meta(gt=0, le=3600)] = 60.0  # for a caller to take what waits of an answer


class LedgerSection(Section, frozen=True):
    """The record."""

    reserve_mb: Annotated[int, Meta(ge=0)] = 256  # kept back for what must still be written when the disk is full
    publish_after_s: Annotated[float, Meta(gt=0, le=60)] = 1.0
    durability: Literal["strict", "relaxed"] = "strict"  # relaxed: acknowledged first, on disk 0.1 s later
    anchor: Annotated[str, Meta(pattern=r"^(/[^\0]+)?\Z")] = ""  # a file elsewhere that has the newest checkpoint
    salts_kept_days: Annotated[int, Meta(ge=0, le=36500)] = 183  # 0: for ever
    quorum: str | Positive = "all"  # of the witnesses: "all", "any", how many, or the name of the one that counts
    serve: str = ""  # "host:port": where anybody may read the log over HTTP; empty: nowhere
    prune_after_days: Annotated[int, Meta(ge=0)] = 0  # how old entries must be before they may be pruned; 0: never

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
    purpose: Annotated[str, Meta(pattern=r"^[a-z0-9._-]{0,64}\Z")] = ""  # what it is for, as rules may ask
    priority: PriorityName = "normal"  # of its calls, where they have to wait for an engine
    tool_hold: bool = True  # hold tool calls until they are whole, where another target could take over
    drop: list[Annotated[str, Meta(min_length=1, max_length=64)]] = []  # what of a request may be left out; "*": all
    acceptance: Annotated[str, Meta(max_length=1024)] = ""  # a file of the estate: cases for whoever is to stand in
    rto_s: Annotated[float, Meta(gt=0)] = 30.0  # in a drill: how long until calls are answered again
    max_lost: Annotated[int, Meta(ge=0)] = 0  # in a drill: calls that may go without a whole answer
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
    tool_parser: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{0,64}\Z")] = ""  # how vLLM finds tool calls in an answer
    reasoning_parser: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{0,64}\Z")] = ""  # and reasoning
    context_tokens: Positive | None = None  # per slot
    slots: Positive | None = None
    threads: Positive | None = None
    queue: Annotated[int, Meta(ge=0)] = 64  # calls that may wait for a slot
    sleep_after_s: Seconds = 900.0  # 0: never
    chat_template: str = ""  # a Jinja file in the estate, instead of the model's own


class ProviderTargetSection(Section, frozen=True):
    """One model of a provider."""

    provider: str
    model: Annotated[str, Meta(min_length=1, max_length=256)]  # in the provider's words
    reasoning: bool = True  # whether it can be told how much to reason
    answers_as: list[str] = []  # further names that it may give the model in its answers
    answer_tokens: Positive = 8192  # bound on an answer, where its API demands one and the caller gave none
    retires: Annotated[str, Meta(pattern=r"^(\d{4}-\d{2}-\d{2})?\Z")] = ""  # the day from which it gets no call, in UTC


TargetSection = EngineTargetSection | ProviderTargetSection


class ProviderSection(Section, frozen=True):
    """Somebody else's API. What is known of whoever runs it comes from the facts, by the same name."""

    key: Annotated[str, Meta(pattern=r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:[^\0]+)?\Z")] = ""  # where it is; never itself
    dialect: Literal["openai", "openai-responses", "anthropic", "mistral", ""] = ""  # else what the facts say
    base_url: str = ""  # else what the facts say
    facts: str = ""  # the file of the estate that has its facts, where they are not in the register
    prefill: Literal["text", "prefix", "none", ""] = ""  # how it continues an answer; else by its dialect
    api_version: str = ""  # of Azure's dated API
    tls_ca: str = ""  # a file of the estate: the authority that signs its certificate, instead of the system's
    allow_private: bool = False  # whether it may lie at a private or loopback address
    connect_s: Annotated[float, Meta(gt=0)] = 5.0
    first_event_s: Annotated[float, Meta(gt=0)] = 30.0
    idle_s: Annotated[float, Meta(gt=0)] = 30.0
    whole_answer_s: Annotated[float, Meta(gt=0)] = 600.0
    least_events_per_minute: Annotated[float, Meta(ge=0)] = 1.0
    max_answer_mb: Annotated[int, Meta(ge=1, le=1024)] = 64


class GrantSection(Section, frozen=True):
    """Leave for outbound contact that is no call."""

    purpose: Literal["import", "witness"] = msgspec.field(name="for")
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


class _SingleTables(msgspec.Struct, frozen=True, kw_only=True):
    """The tables that there are one of."""

    estate: EstateSection
    listen: ListenSection
    gateway: GatewaySection
    ledger: LedgerSection
    policy: PolicySection
    continuity: ContinuitySection
    vault: VaultSection


class Settings(_SingleTables, frozen=True, kw_only=True):
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


_TABLES: dict[str, type[Section]] = {
    "estate": EstateSection,
    "listen": ListenSection,
    "gateway": GatewaySection,
    "ledger": LedgerSection,
    "policy": PolicySection,
    "continuity": ContinuitySection,
    "vault": VaultSection,
}
_NAMED_TABLES = ("service", "target", "provider", "grant", "trust", "witness")
_HOST_AND_PORT = re.compile(r"(\[.*\]|[^:]*):[0-9]+")
_ONLY_LLAMACPP = ("binary",)
_ONLY_VLLM = ("environment", "gpus", "tool_parser", "reasoning_parser")
_NO_WITNESS = frozenset({"all", "any", "none"})
_NAME = re.compile(r"^[a-z0-9][a-z0-9._-]{0,63}$")
_ALIAS = re.compile(r"^[A-Za-z0-9*][A-Za-z0-9._:/@*-]{0,127}$")


def read_settings(path: Path) -> Settings:
    """Read and check the file. Raises SettingsError naming the line."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SettingsError(f"{path}: there is no such file", hint="'freehold init' makes an estate.") from None
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(f"{path}: cannot be read as UTF-8 text") from exc
    return parse_settings(text, name=str(path))


def blame(path: Path, table: tuple[str, ...], key: str | None, what: str, *, hint: str | None = None) -> SettingsError:
    """The error for what is well-formed in the file and cannot be all the same, naming the line as the others do."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):  # it was read a moment ago
        text = ""
    problem = _Source(str(path), text).error(table, key, what)
    return SettingsError(problem.message, hint=hint)


def parse_settings(text: str, *, name: str = "freehold.toml") -> Settings:
    """Check the text of a file called ``name``. Raises SettingsError naming the line."""
    source = _Source(name, text)
    tables = source.tables()
    for key in tables:
        if key not in _TABLES and key not in _NAMED_TABLES:
            raise source.error((key,), None, f"unknown table [{key}]")
    single = {key: source.convert((key,), tables.get(key, {}), kind) for key, kind in _TABLES.items()}
    whole = msgspec.convert(single, _SingleTables)
    services = source.convert_named("service", tables.get("service", {}), lambda _: ServiceSection)
    targets = source.convert_named("target", tables.get("target", {}), _target_section)
    providers = source.convert_named("provider", tables.get("provider", {}), lambda _: ProviderSection)
    grants = source.convert_named("grant", tables.get("grant", {}), lambda _: GrantSection)
    trusts = source.convert_named("trust", tables.get("trust", {}), lambda _: TrustSection)
    witnesses = source.convert_named("witness", tables.get("witness", {}), lambda _: WitnessSection)
    _check_names(source, services, targets)
    _check_engines(source, targets)
    _check_providers(source, targets, providers)
    _check_grants(source, grants)
    _check_witnesses(source, witnesses, grants, whole.ledger.quorum)
    _check_trusts(source, trusts)
    _check_serve(source, whole.ledger)
    _check_hub(source, whole.vault)
    return Settings(
        estate=whole.estate,
        listen=whole.listen,
        gateway=whole.gateway,
        ledger=whole.ledger,
        policy=whole.policy,
        continuity=whole.continuity,
        vault=whole.vault,
        services=services,
        targets=targets,
        providers=providers,
        grants=grants,
        trusts=trusts,
        witnesses=witnesses,
    )


def _target_section(table: object) -> type[TargetSection]:
    return ProviderTargetSection if isinstance(table, dict) and "provider" in table else EngineTargetSection


def _check_engines(source: "_Source", targets: dict[str, TargetSection]) -> None:
    for name, target in targets.items():
        if not isinstance(target, EngineTargetSection):
            continue
        for key in _ONLY_LLAMACPP if target.engine == "vllm" else _ONLY_VLLM:
            if getattr(target, key):
                raise source.error(("target", name), key, f"this is no setting of {target.engine}")
        if target.engine == "vllm" and not target.environment:
            what = "vllm needs 'environment', the folder of a virtual environment that has it"
            raise source.error(("target", name), "engine", what)


def _check_providers(
    source: "_Source", targets: dict[str, TargetSection], providers: dict[str, ProviderSection]
) -> None:
    for name, target in targets.items():
        if isinstance(target, ProviderTargetSection) and target.provider not in providers:
            raise source.error(("target", name), "provider", f"there is no [provider.{target.provider}]")
        if isinstance(target, ProviderTargetSection) and target.retires and not _is_day(target.retires):
            raise source.error(("target", name), "retires", f"{target.retires!r} is not a day: write YYYY-MM-DD")
    if "self" in providers:
        raise source.error(("provider", "self"), None, "'self' is this estate; a provider has another name")


def _is_day(written: str) -> bool:
    try:
        date.fromisoformat(written)
    except ValueError:
        return False
    return True


def _check_grants(source: "_Source", grants: dict[str, GrantSection]) -> None:
    for name, section in grants.items():
        for host in section.hosts:
            if read_place(host) is None:
                raise source.error(("grant", name), "hosts", f"{host!r} is not a host, nor a host and port")


def _check_witnesses(
    source: "_Source",
    witnesses: dict[str, WitnessSection],
    grants: dict[str, GrantSection],
    quorum: str | int,
) -> None:
    granted = {place for grant in grants.values() if grant.purpose == "witness" for place in grant.places}
    for name, section in witnesses.items():
        if name in _NO_WITNESS:
            raise source.error(("witness", name), None, f"{name!r} has another meaning in a quorum")
        for key, url in (("url", section.url), ("monitor_url", section.monitor_url)):
            place = place_of(url)
            if url and place is None:
                raise source.error(("witness", name), key, f"{url!r} is not an http:// or https:// URL of a host")
            if place is not None and place not in granted:
                what = f'{place} is not granted: there is no [grant.NAME] with for = "witness" that names it'
                raise source.error(("witness", name), key, what)
    if isinstance(quorum, int) and quorum > len(witnesses):
        raise source.error(("ledger",), "quorum", f"{quorum} witnesses are asked for, and there are {len(witnesses)}")
    if isinstance(quorum, str) and quorum not in _NO_WITNESS - {"none"} and quorum not in witnesses:
        what = f'{quorum!r} is not "all", "any" or a number, and there is no [witness.{quorum}]'
        raise source.error(("ledger",), "quorum", what)


def _check_hub(source: "_Source", vault: VaultSection) -> None:
    place = place_of(vault.hub)
    plain = vault.hub.startswith("http:")
    if place is None or (plain and place.host not in ("127.0.0.1", "::1", "localhost")):
        raise source.error(("vault",), "hub", f"{vault.hub!r} is not an https:// address without user and query")


def _check_serve(source: "_Source", ledger: LedgerSection) -> None:
    if ledger.serve and not (_HOST_AND_PORT.fullmatch(ledger.serve) and ledger.served_at):
        raise source.error(("ledger",), "serve", f"{ledger.serve!r} is not a host and a port, such as 127.0.0.1:8082")


def _check_trusts(source: "_Source", trusts: dict[str, TrustSection]) -> None:
    taken: dict[str, str] = {}
    for name, section in trusts.items():
        for pattern in section.match:
            if taken.setdefault(pattern, name) != name:
                what = f"{pattern!r} is matched by [trust.{taken[pattern]}] already: nobody can say which is meant"
                raise source.error(("trust", name), "match", what)


def _check_names(source: "_Source", services: dict[str, ServiceSection], targets: dict[str, TargetSection]) -> None:
    if not services:
        raise source.error((), None, "there is no [service.NAME], so nothing could be asked for")
    taken: dict[str, str] = {}
    for service, section in services.items():
        for target in section.targets:
            if target not in targets:
                raise source.error(("service", service), "targets", f"there is no [target.{target}]")
        for alias in section.aliases:
            if not _ALIAS.match(alias) or alias.count("*") > 1:
                raise source.error(("service", service), "aliases", f"{alias!r} is not a name with at most one '*'")
            rival = next((other for other in taken if _equal_claims(alias, other)), None)
            if rival is not None and taken[rival] != service:
                what = f"{alias!r} claims the same names as {rival!r} of service {taken[rival]!r}, neither being longer"
                raise source.error(("service", service), "aliases", what)
            taken[alias] = service


def _equal_claims(one: str, other: str) -> bool:
    """Whether two aliases of the same length could both match a name. Exact beats pattern, longer beats shorter."""
    if "*" not in one or "*" not in other:
        return one == other
    (head, _, tail), (other_head, _, other_tail) = one.partition("*"), other.partition("*")
    return (
        len(one) == len(other)
        and (head.startswith(other_head) or other_head.startswith(head))
        and (tail.endswith(other_tail) or other_tail.endswith(tail))
    )


class _Source:
    """The text, for errors that name a line."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._text = text

    def tables(self) -> dict[str, Any]:
        try:
            return tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as exc:
            at = re.search(r"line (\d+), column (\d+)", str(exc))
            where = f"line {at[1]}, column {at[2]}" if at else "at its end"
            raise SettingsError(f"{self._name}, {where}: this is not TOML") from exc

    def convert_named(self, kind: str, tables: object, section: Callable[[object], type[T]]) -> dict[str, T]:
        if not isinstance(tables, dict):
            raise self.error((), kind, f"{kind!r} is a table: [{kind}.NAME]")
        for name in tables:
            if not _NAME.match(name):
                raise self.error((kind, name), None, f"{name!r} is not a name: a-z, 0-9 and ._- only, at most 64")
        return {name: self.convert((kind, name), table, section(table)) for name, table in tables.items()}

    def convert(self, table: tuple[str, ...], values: object, section: type[T]) -> T:
        try:
            return msgspec.convert(values, section)
        except msgspec.ValidationError as exc:
            raise self._explained(table, str(exc)) from exc

    def _explained(self, table: tuple[str, ...], said: str) -> SettingsError:
        """The message of msgspec, with our words for the two commonest and the line of the key it blames."""
        if unknown := re.search(r"unknown field `([^`]*)`", said):
            return self.error(table, unknown[1], f"unknown key {unknown[1]!r}")
        if missing := re.search(r"missing required field `([^`]*)`", said):
            return self.error(table, None, f"lacks {missing[1]!r}")
        what, _, path = said.partition(" - at `$")
        key = re.match(r"\.([A-Za-z0-9_]+)", path)
        return self.error(table, key[1] if key else None, what.replace("`", "'"))

    def error(self, table: tuple[str, ...], key: str | None, what: str) -> SettingsError:
        place = f"[{'.'.join(table)}] " if table else ""
        return SettingsError(f"{self._name}, line {self._line(table, key)}: {place}{key + ': ' if key else ''}{what}")

    def _line(self, table: tuple[str, ...], key: str | None) -> int:
        """The line of a key in its table, else of the table's head, else 1."""
        inside, found = not table, 1
        for number, line in enumerate(self._text.splitlines(), start=1):
            if head := re.match(r"\s*\[\s*([^\]]+?)\s*\]", line):
                inside = tuple(part.strip().strip("\"'") for part in head[1].split(".")) == table
                found = number if inside else found
            elif inside and key and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line):
                return number
        return found
