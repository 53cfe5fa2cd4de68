# SPDX-License-Identifier: Apache-2.0
"""Brings a whole estate up from outside: made where there is none, stocked, started, awaited until it answers."""

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from freehold.admin.client import AdminClient
from freehold.admin.founding import found
from freehold.admin.readable import require_own
from freehold.admin.sealing import require_owned
from freehold.bootstrap.launch import acting, await_control, start_supervisor, supervisor_pid, turn
from freehold.bootstrap.listeners import check_listeners, check_tiles_listener
from freehold.bootstrap.process import arguments_of
from freehold.bootstrap.soundness import check_home, check_law
from freehold.contract.estate import Estate
from freehold.errors import EstateError
from freehold.settings import ListenSection, Settings, read_settings
from freehold.vault import PINS, Vault

Told = Callable[[str, int, int], None]  # what is being done, how much of it is done, of how much (0: not known)
Step = Callable[[Mapping[str, Any]], None]  # one step of a long operation, as the control process tells it

ANSWERING = ("ready", "asleep")
_WHY = "'freehold doctor' says what to do; calls get 503 until then."
_READY_S = 600.0  # a large model takes its time to load
_POLL_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the operator asked for. A port that is not given is the one in freehold.toml."""

    port: int | None = None
    admin_port: int | None = None
    sealed: bool = False
    plaintext: bool = False

    @property
    def flags(self) -> list[str]:
        return arguments_of(port=self.port, admin_port=self.admin_port, plaintext=self.plaintext)


@dataclass(frozen=True, slots=True, kw_only=True)
class Up:
    """An estate that answers. ``supervisor`` is None where it was up before."""

    client: AdminClient
    status: Mapping[str, Any]
    first_key: str  # the secret, on the run that made it; else empty
    supervisor: subprocess.Popen[bytes] | None

    def require_answering(self) -> None:
        """Raise EstateError if no target can answer, which leaves the estate up for a person to see why."""
        targets = self.status["targets"]
        if not any(target["state"] in ANSWERING for target in targets):
            reasons = "; ".join(f"{target['target']}: {target['reason']}" for target in targets)
            raise EstateError(f"the estate is up, and no target can answer ({reasons})", hint=_WHY)


def bring_up(estate: Estate, wish: Wish, told: Told, step: Step, *, detach: bool) -> Up:
    """Do all of it; each step finds what an earlier run has done. Raises OperatorError."""
    if not estate.settings.exists():
        _made(estate, wish)  # an estate that is not there has no turn to be had
    with turn(estate):
        started = _started(estate, wish, step, detach=detach) if supervisor_pid(estate) is None else None
        with _given_up(started):
            client = await_control(estate, started)
    with _given_up(started):
        first_key = _first_key(client) if started is not None else ""
        status = await_ready(client, told)
    if started is None:
        _require_as_wished(estate, wish, status)
    return Up(client=client, status=status, first_key=first_key, supervisor=started)


def _made(estate: Estate, wish: Wish) -> Settings:
    require_own(estate)
    _check_ports(estate, wish)
    ports = {name: port for name, port in (("port", wish.port), ("admin_port", wish.admin_port)) if port}
    return found(estate, **ports).settings


def _started(estate: Estate, wish: Wish, step: Step, *, detach: bool) -> subprocess.Popen[bytes]:
    """Start one that is down. Whoever asks for it has the turn."""
    settings = _made(estate, wish)
    check_law(estate)
    check_home(estate)
    if wish.sealed:
        require_owned(settings)
    _stock(estate, settings, step, sealed=wish.sealed)
    return start_supervisor(estate, wish.flags, detach=detach, sealed=wish.sealed)


@contextmanager
def _given_up(started: subprocess.Popen[bytes] | None) -> Iterator[None]:
    """Whoever interrupts a start wants none: nothing is left running that nobody was told of."""
    try:
        yield
    except KeyboardInterrupt:
        if started is not None:
            started.terminate()
            started.wait()
        raise


def _require_as_wished(estate: Estate, wish: Wish, status: Mapping[str, Any]) -> None:
    """Raise EstateError where an estate that was up before is not what was asked for now."""
    if wish.sealed and not status["sealed"]:
        raise EstateError(
            f"{estate.directory} is up already, and not sealed",
            hint="'freehold down', then 'freehold up --sealed'.",
        )
    for option, wished, url in (
        ("--port", wish.port, status["base_url"]),
        ("--admin-port", wish.admin_port, status["admin_url"]),
    ):
        if wished is not None and wished != urlsplit(url).port:
            raise EstateError(
                f"{estate.directory} is up already, at {url}",
                hint=f"'freehold down', then 'freehold up {option} {wished}'.",
            )


def _check_ports(estate: Estate, wish: Wish) -> None:
    """Say what is wrong with the ports here, where a person sees it, before anything is made or started."""
    settings = read_settings(estate.settings) if estate.settings.exists() else None
    listen = settings.listen if settings else ListenSection()
    check_listeners(
        listen,
        port=wish.port or listen.port,
        admin_port=wish.admin_port or listen.admin_port,
        plaintext=wish.plaintext,
    )
    if settings:
        check_tiles_listener(settings, plaintext=wish.plaintext)


def _stock(estate: Estate, settings: Settings, step: Step, *, sealed: bool) -> None:
    """Import the pinned models that are asked for and missing: an engine looks for its own as soon as it starts."""
    wanted = {target.model for target in settings.engines.values()} & {pin.name for pin in PINS}
    missing = wanted - {manifest.name for manifest in Vault(estate.vault).list()}
    if missing:
        with acting(estate, sealed=sealed) as client:
            for name in sorted(missing):
                client.post("models", {"source": name}, progress=step)


def _first_key(client: AdminClient) -> str:
    """The secret of the first API key, made if there was never one."""
    if client.get("keys")["keys"]:
        return ""
    secret: str = client.post("keys", {"label": "first"})["key"]["secret"]
    return secret


def await_ready(client: AdminClient, told: Told) -> Mapping[str, Any]:
    """The estate's status once a gateway has its configuration and every engine is ready or failed for good."""
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline:
        status: Mapping[str, Any] = client.get("status")["status"]
        loading = [target["target"] for target in status["targets"] if target["state"] in ("starting", "restarting")]
        if status["gateways"] and not loading:
            return status
        told(f"loading {', '.join(loading)}" if loading else "starting the gateway", 0, 0)
        time.sleep(_POLL_S)
    raise EstateError("the estate did not become ready", hint="'freehold status' shows which part is not.")
