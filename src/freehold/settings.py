# SPDX-License-Identifier: Apache-2.0
"""freehold.toml: read once, typed. An unknown key, a wrong type or a name that leads nowhere stops the start."""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from freehold.contract.call import DataClass
from freehold.errors import SettingsError

Positive = Annotated[int, Meta(ge=1)]
Port = Annotated[int, Meta(ge=1, le=65535)]
Seconds = Annotated[float, Meta(ge=0)]
DataClassName = Literal["public", "internal", "personal", "restricted"]
T = TypeVar("T")


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table of the file."""


class EstateSection(Section, frozen=True):
    """What the estate is called where others see it."""

    origin: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9.-]*(/[a-z0-9][a-z0-9._-]*)+\Z")]  # the ledger's C2SP origin


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


class LedgerSection(Section, frozen=True):
    """The record."""

    reserve_mb: Annotated[int, Meta(ge=0)] = 256  # kept back for what must still be written when the disk is full
    publish_after_s: Annotated[float, Meta(gt=0, le=60)] = 1.0


class PolicySection(Section, frozen=True):
    """Which rules decide; the estate's own are in policies/*.cedar."""

    set: Literal["owned-only", "eu-only", "eu-or-adequate", "open"] = "owned-only"
    facts_max_age_days: Positive = 365  # doctor warns of facts that are older


class ServiceSection(Section, frozen=True):
    """The name that applications put in `model`."""

    targets: Annotated[list[str], Meta(min_length=1)]
    aliases: list[str] = []
    data_class: DataClassName = "internal"
    purpose: Annotated[str, Meta(pattern=r"^[a-z0-9._-]{0,64}\Z")] = ""  # what it is for, as rules may ask

    @property
    def level(self) -> DataClass:
        return DataClass[self.data_class.upper()]


class TargetSection(Section, frozen=True):
    """One engine with one model of the vault. What is not set is chosen from the host."""

    engine: Literal["llamacpp"]
    model: str
    binary: str = ""  # a llama-server; else one on the PATH, else the xllamacpp package
    context_tokens: Positive | None = None  # per slot
    slots: Positive | None = None
    threads: Positive | None = None
    queue: Annotated[int, Meta(ge=0)] = 64  # calls that may wait for a slot
    sleep_after_s: Seconds = 900.0  # 0: never
    chat_template: str = ""  # a Jinja file in the estate, instead of the model's own


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file."""

    estate: EstateSection
    listen: ListenSection
    gateway: GatewaySection
    ledger: LedgerSection
    policy: PolicySection
    services: dict[str, ServiceSection]
    targets: dict[str, TargetSection]


_TABLES: dict[str, type[Section]] = {
    "estate": EstateSection,
    "listen": ListenSection,
    "gateway": GatewaySection,
    "ledger": LedgerSection,
    "policy": PolicySection,
}
_NAMED_TABLES: dict[str, type[Section]] = {"service": ServiceSection, "target": TargetSection}
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


def parse_settings(text: str, *, name: str = "freehold.toml") -> Settings:
    """Check the text of a file called ``name``. Raises SettingsError naming the line."""
    source = _Source(name, text)
    tables = source.tables()
    for key in tables:
        if key not in _TABLES and key not in _NAMED_TABLES:
            raise source.error((key,), None, f"unknown table [{key}]")
    single = {key: source.convert((key,), tables.get(key, {}), kind) for key, kind in _TABLES.items()}
    services = source.convert_named("service", tables.get("service", {}), ServiceSection)
    targets = source.convert_named("target", tables.get("target", {}), TargetSection)
    _check_names(source, services, targets)
    return msgspec.convert({**single, "services": services, "targets": targets}, Settings)


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

    def convert_named(self, kind: str, tables: object, section: type[T]) -> dict[str, T]:
        if not isinstance(tables, dict):
            raise self.error((), kind, f"{kind!r} is a table: [{kind}.NAME]")
        for name in tables:
            if not _NAME.match(name):
                raise self.error((kind, name), None, f"{name!r} is not a name: a-z, 0-9 and ._- only, at most 64")
        return {name: self.convert((kind, name), table, section) for name, table in tables.items()}

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
