# SPDX-License-Identifier: Apache-2.0
"""Estates whose targets are providers, each of them a door of the simulator, which their own facts are of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.simulator.scripts import DEFAULT_MODEL
from tests.simulator.server import KEY, Simulator
from tests.system.estates import Estate

KEY_FILE = "keys/provider.key"
REASONER = f"{DEFAULT_MODEL}-thinking"
_CONFIRMED = "source: CONTRACT, confidence: confirmed"
_HEAD = f"""\
sources:
  CONTRACT: {{source: "Our contract with Simulated SAS", as_of: 2026-10-01}}

organisations:
  simulated-sas:
    name: Simulated SAS
    seat: FR
    source: CONTRACT
    confidence: confirmed
    owners: {{complete: "yes", {_CONFIRMED}}}

providers:
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One that the estate is told of, and where it lies at the simulator."""

    name: str
    path: str
    dialect: str
    host: str = "127.0.0.1"
    port: int = 0  # 0: the simulator's
    scheme: str = "http"
    known_host: str = ""  # that the facts name; empty: the same
    key: str = f"file:{KEY_FILE}"
    allow_private: bool = True
    settings: Sequence[str] = ()


OPENAI = Provider(name="openai", path="/openai/v1", dialect="openai")
COMPATIBLE = Provider(name="compatible", path="/compatible/v1", dialect="openai")
RESPONSES = Provider(name="responses", path="/openai/v1", dialect="openai-responses")
ANTHROPIC = Provider(name="anthropic", path="/anthropic", dialect="anthropic")
MISTRAL = Provider(name="mistral", path="/mistral", dialect="mistral")
AZURE = Provider(name="azure-openai", path="/azure", dialect="openai", settings=('api_version = "2024-10-21"',))
ALL = (OPENAI, COMPATIBLE, RESPONSES, ANTHROPIC, MISTRAL, AZURE)
NAMES = tuple(provider.name for provider in ALL)


def found(estate: Estate, simulator: Simulator, *providers: Provider, policy: str = "eu-only") -> None:
    """Make the estate, with these providers, no engine, and nothing to ask them by."""
    estate.run("init")
    path = estate.files / "freehold.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.index("# A service is")], encoding="utf-8")
    tell(estate, simulator, *providers, policy=policy)


class Reachable(Protocol):
    """A simulator, in this process or another."""

    port: int
    key: str


def tell(estate: Estate, simulator: Reachable, *providers: Provider, policy: str = "eu-only") -> None:
    """Tell an estate of providers. The key that is good lies in KEY_FILE."""
    estate.set("policy", f'set = "{policy}"')
    estate.set("ledger", "publish_after_s = 0.1")
    with (estate.files / "freehold.toml").open("a", encoding="utf-8") as settings:
        settings.writelines(_table(provider, simulator.port) for provider in providers)
    (estate.files / "facts").mkdir(exist_ok=True)
    (estate.files / "facts" / "simulated.yaml").write_text(_HEAD + "".join(map(_facts, providers)), encoding="utf-8")
    keep_key(estate.files / KEY_FILE, simulator.key)


def serve(estate: Estate, service: str, *targets: str, settings: Iterable[str] = ()) -> None:
    """Have a service, whose targets are ``PROVIDER``, ``PROVIDER/MODEL``, or targets that the estate has.

    ``NAME=PROVIDER`` is a target of its own, of that name.
    """
    path = estate.files / "freehold.toml"
    text = path.read_text(encoding="utf-8")
    known = set(text.splitlines())
    names = []
    for target in targets:
        name, _, place = target.rpartition("=")
        provider, _, model = place.partition("/")
        names.append(name or place.replace("/", "."))
        if not {f'[target."{names[-1]}"]', f"[target.{names[-1]}]"} & known:
            text += f'\n[target."{names[-1]}"]\nprovider = "{provider}"\nmodel = "{model or DEFAULT_MODEL}"\n'
    listed = ", ".join(f'"{name}"' for name in names)
    text += "\n".join([f"\n[service.{service}]", f"targets = [{listed}]", *settings, ""])
    path.write_text(text, encoding="utf-8")


def keep_key(path: Path, secret: str = KEY) -> None:
    path.write_text(f"{secret}\n", encoding="ascii")
    path.chmod(0o600)


def _table(provider: Provider, port: int) -> str:
    lines = [
        f"\n[provider.{provider.name}]",
        f'base_url = "{provider.scheme}://{provider.host}:{provider.port or port}{provider.path}"',
    ]
    lines += [f'key = "{provider.key}"', *provider.settings]
    if provider.allow_private:
        lines.append("allow_private = true")
    return "\n".join([*lines, ""])


def _facts(provider: Provider) -> str:
    host = provider.known_host or provider.host
    return f"""\
  {provider.name}:
    name: Simulated {provider.name}
    source: CONTRACT
    confidence: confirmed
    operator: {{organisation: simulated-sas, {_CONFIRMED}}}
    sub_processors: {{complete: "yes", {_CONFIRMED}}}
    locations: {{states: [FR], complete: "yes", {_CONFIRMED}}}
    retention: {{days: 0, {_CONFIRMED}}}
    training: {{trains: "no", {_CONFIRMED}}}
    hosts: [{{host: {host}, location: FR, {_CONFIRMED}}}]
    dialects: [{provider.dialect}]
"""
