# SPDX-License-Identifier: Apache-2.0
"""The endpoints of an estate, from its settings and the facts. One whose host no fact names is refused, never dialled.

Nothing is looked up or contacted here: what a name resolves to is checked when it is dialled.
"""

import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import SplitResult, urlsplit

from freehold.contract.call import Dialect
from freehold.contract.endpoint import AnswerLimits, Endpoint, Prefill
from freehold.contract.estate import Estate
from freehold.egress.addresses import PUBLIC, is_address, kind_of
from freehold.errors import SettingsError
from freehold.policy.facts import Register
from freehold.policy.facts.document import read_document
from freehold.policy.facts.entries import Provider
from freehold.policy.facts.hosts import lies_at
from freehold.settings import ProviderSection, Settings, blame

_PREFILL: Final[Mapping[Dialect, Prefill]] = MappingProxyType(
    {Dialect.ANTHROPIC: Prefill.TEXT, Dialect.MISTRAL: Prefill.PREFIX}
)
_OWN_FACTS: Final = "Write an entry of this name in facts/*.yaml of the estate; docs/reference/facts.md has the form."
_TASK: Final = "docs/tasks/use-a-provider.md works through it."


def endpoints_of(settings: Settings, register: Register, estate: Estate) -> tuple[Endpoint, ...]:
    """One for each provider that a target uses, by name. Raises SettingsError naming the line."""
    names = sorted({target.provider for target in settings.foreign.values()})
    return tuple(_Reading(name, settings.providers[name], register, estate).endpoint() for name in names)


class _Reading:
    """One provider's table, read in the light of the facts."""

    def __init__(self, name: str, section: ProviderSection, register: Register, estate: Estate) -> None:
        self._name = name
        self._section = section
        self._register = register
        self._estate = estate

    def endpoint(self) -> Endpoint:
        section, known = self._section, self._known()
        self._check_authority()
        dialects = self._dialects(known)
        return Endpoint(
            provider=self._name,
            dialects=dialects,
            base_url=self._base_url(known),
            key=section.key,
            prefill=Prefill(section.prefill) if section.prefill else _PREFILL.get(dialects[0], Prefill.NONE),
            api_version=section.api_version,
            tls_ca=section.tls_ca,
            allow_private=section.allow_private,
            gives_traceparent=section.give_traceparent,
            limits=AnswerLimits(
                connect_s=section.connect_s,
                first_event_s=section.first_event_s,
                idle_s=section.idle_s,
                whole_answer_s=section.whole_answer_s,
                least_events_per_minute=section.least_events_per_minute,
                answer_bytes=section.max_answer_mb * 2**20,
            ),
        )

    def _known(self) -> Provider:
        """The facts by the provider's name, which must stand in the file that the settings name."""
        if self._section.facts:
            self._check_facts_file(self._section.facts)
        known = self._register.providers.get(self._name)
        if known is None:
            raise self._error(None, f"no facts are known of a provider {self._name!r}", _OWN_FACTS)
        return known

    def _check_facts_file(self, written: str) -> None:
        path = self._estate.directory / written
        if path.parent.resolve() != self._estate.facts.resolve() or path.suffix != ".yaml":
            raise self._error("facts", f"{written!r} is not a file facts/NAME.yaml of the estate", _OWN_FACTS)
        try:
            entries = read_document(path.read_text(encoding="utf-8"), str(path)).get("providers")
        except (OSError, UnicodeDecodeError) as exc:
            raise self._error("facts", f"{path} is not there or cannot be read", _OWN_FACTS) from exc
        if not isinstance(entries, dict) or self._name not in entries:
            raise self._error("facts", f"{path} has no entry providers.{self._name}", _OWN_FACTS)

    def _check_authority(self) -> None:
        if not self._section.tls_ca:
            return
        path = self._estate.directory / self._section.tls_ca
        try:
            ssl.create_default_context(cafile=str(path))
        except (OSError, ssl.SSLError) as exc:
            raise self._error("tls_ca", f"{path} cannot be read as certificates in PEM", _TASK) from exc

    def _dialects(self, known: Provider) -> tuple[Dialect, ...]:
        dialects = (self._section.dialect,) if self._section.dialect else known.dialects
        if not dialects:
            raise self._error(None, "lacks 'dialect', and the facts do not say what it speaks", _TASK)
        return tuple(Dialect(dialect) for dialect in dialects)

    def _base_url(self, known: Provider) -> str:
        written = self._section.base_url or known.base_url
        if not written:
            hosts = ", ".join(self._hosts(known)) or "none"
            raise self._error(None, f"lacks 'base_url'; the hosts that the facts name are: {hosts}", _TASK)
        parts = self._parts(written)
        host = parts.hostname or ""
        if not any(lies_at(host, named) for named in self._hosts(known)):
            hosts = ", ".join(self._hosts(known)) or "none"
            what = f"the facts name no host {host!r} of {self._name}; those that they name are: {hosts}"
            raise self._error("base_url", what, _OWN_FACTS)
        self._check_place(parts, host)
        return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"

    def _parts(self, written: str) -> SplitResult:
        """A URL of nothing but scheme, host, port and path."""
        try:
            parts = urlsplit(written)
            port_is_one = parts.port is None or parts.port > 0
        except ValueError:
            parts, port_is_one = SplitResult("", "", "", "", ""), False
        plain = written.isascii() and written.isprintable() and not set(written) & set(" \\?#@")
        if parts.scheme not in ("https", "http") or not parts.hostname or not port_is_one or not plain:
            raise self._error(
                "base_url", "is not https://HOST[:PORT][/PATH], without credentials, query or fragment", _TASK
            )
        if any(segment in (".", "..") for segment in parts.path.split("/")):
            raise self._error("base_url", "has '.' or '..' in its path: write the path that is meant", _TASK)
        return parts

    def _check_place(self, parts: SplitResult, host: str) -> None:
        private = host == "localhost" or (is_address(host) and kind_of(host) != PUBLIC)
        if private and not self._section.allow_private:
            raise self._error("base_url", f"{host} is private or loopback, and needs allow_private = true", _TASK)
        if parts.scheme == "http" and (not self._section.allow_private or (is_address(host) and not private)):
            what = "plain http:// is for a private or loopback address alone, with allow_private = true"
            raise self._error("base_url", what, _TASK)

    def _hosts(self, known: Provider) -> Iterator[str]:
        return (named.host for named in known.hosts)

    def _error(self, key: str | None, what: str, hint: str) -> SettingsError:
        return blame(Path(self._estate.settings), ("provider", self._name), key, what, hint=hint)
