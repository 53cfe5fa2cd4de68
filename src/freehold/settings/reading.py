# SPDX-License-Identifier: Apache-2.0
"""From the text of freehold.toml to settings. An unknown key, a wrong type or a name that leads nowhere is refused."""

import re
from datetime import date
from pathlib import Path

import msgspec

from freehold.contract.grant import Place, place_of, read_place
from freehold.errors import SettingsError
from freehold.settings.sections import (
    ContinuitySection,
    EngineTargetSection,
    EstateSection,
    GatewaySection,
    GrantSection,
    LedgerSection,
    ListenSection,
    LogSection,
    PolicySection,
    ProviderSection,
    ProviderTargetSection,
    Section,
    ServiceSection,
    Settings,
    SignalsSection,
    SingleTables,
    TargetSection,
    TrustSection,
    VaultSection,
    WitnessSection,
)
from freehold.settings.source import Source

TABLES: dict[str, type[Section]] = {
    "estate": EstateSection,
    "listen": ListenSection,
    "gateway": GatewaySection,
    "ledger": LedgerSection,
    "policy": PolicySection,
    "continuity": ContinuitySection,
    "vault": VaultSection,
    "signals": SignalsSection,
    "log": LogSection,
}
NAMED_TABLES = ("service", "target", "provider", "grant", "trust", "witness")
_HOST_AND_PORT = re.compile(r"(\[.*\]|[^:]*):[0-9]+")
_ONLY_LLAMACPP = ("binary",)
_ONLY_VLLM = ("environment", "gpus", "tool_parser", "reasoning_parser")
_NO_WITNESS = frozenset({"all", "any", "none"})
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
    problem = Source(str(path), text).error(table, key, what)
    return SettingsError(problem.message, hint=hint)


def parse_settings(text: str, *, name: str = "freehold.toml") -> Settings:
    """Check the text of a file called ``name``. Raises SettingsError naming the line."""
    source = Source(name, text)
    tables = source.tables()
    for key in tables:
        if key not in TABLES and key not in NAMED_TABLES:
            raise source.error((key,), None, f"unknown table [{key}]")
    single = {key: source.convert((key,), tables.get(key, {}), kind) for key, kind in TABLES.items()}
    whole = msgspec.convert(single, SingleTables)
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
    _check_signals(source, whole.signals, grants)
    return Settings(
        estate=whole.estate,
        listen=whole.listen,
        gateway=whole.gateway,
        ledger=whole.ledger,
        policy=whole.policy,
        continuity=whole.continuity,
        vault=whole.vault,
        signals=whole.signals,
        log=whole.log,
        services=services,
        targets=targets,
        providers=providers,
        grants=grants,
        trusts=trusts,
        witnesses=witnesses,
    )


def _target_section(table: object) -> type[TargetSection]:
    return ProviderTargetSection if isinstance(table, dict) and "provider" in table else EngineTargetSection


def _check_engines(source: Source, targets: dict[str, TargetSection]) -> None:
    for name, target in targets.items():
        if not isinstance(target, EngineTargetSection):
            continue
        for key in _ONLY_LLAMACPP if target.engine == "vllm" else _ONLY_VLLM:
            if getattr(target, key):
                raise source.error(("target", name), key, f"this is no setting of {target.engine}")
        if target.engine == "vllm" and not target.environment:
            what = "vllm needs 'environment', the folder of a virtual environment that has it"
            raise source.error(("target", name), "engine", what)


def _check_providers(source: Source, targets: dict[str, TargetSection], providers: dict[str, ProviderSection]) -> None:
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


def _check_grants(source: Source, grants: dict[str, GrantSection]) -> None:
    for name, section in grants.items():
        for host in section.hosts:
            if read_place(host) is None:
                raise source.error(("grant", name), "hosts", f"{host!r} is not a host, nor a host and port")


def _check_witnesses(
    source: Source,
    witnesses: dict[str, WitnessSection],
    grants: dict[str, GrantSection],
    quorum: str | int,
) -> None:
    granted = _granted(grants, "witness")
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


def _check_signals(source: Source, signals: SignalsSection, grants: dict[str, GrantSection]) -> None:
    place, url = signals.place, signals.traces
    if url and place is None:
        raise source.error(("signals",), "traces", f"{url!r} is not an http:// or https:// URL of a host")
    if place is not None and place not in _granted(grants, "telemetry"):
        what = f'{place} is not granted: there is no [grant.NAME] with for = "telemetry" that names it'
        raise source.error(("signals",), "traces", what)


def _granted(grants: dict[str, GrantSection], purpose: str) -> set[Place]:
    return {place for grant in grants.values() if grant.purpose == purpose for place in grant.places}


def _check_hub(source: Source, vault: VaultSection) -> None:
    place = place_of(vault.hub)
    plain = vault.hub.startswith("http:")
    if place is None or (plain and place.host not in ("127.0.0.1", "::1", "localhost")):
        raise source.error(("vault",), "hub", f"{vault.hub!r} is not an https:// address without user and query")


def _check_serve(source: Source, ledger: LedgerSection) -> None:
    if ledger.serve and not (_HOST_AND_PORT.fullmatch(ledger.serve) and ledger.served_at):
        raise source.error(("ledger",), "serve", f"{ledger.serve!r} is not a host and a port, such as 127.0.0.1:8082")


def _check_trusts(source: Source, trusts: dict[str, TrustSection]) -> None:
    taken: dict[str, str] = {}
    for name, section in trusts.items():
        for pattern in section.match:
            if taken.setdefault(pattern, name) != name:
                what = f"{pattern!r} is matched by [trust.{taken[pattern]}] already: nobody can say which is meant"
                raise source.error(("trust", name), "match", what)


def _check_names(source: Source, services: dict[str, ServiceSection], targets: dict[str, TargetSection]) -> None:
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
