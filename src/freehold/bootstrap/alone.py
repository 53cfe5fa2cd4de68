# SPDX-License-Identifier: Apache-2.0
"""Starts a copy of an estate where there is no network, calls each of its targets once, and says what it wanted.

The copy has the estate's settings, rules, facts and models, and a ledger, keys of the ledger and secrets of its own: no
key of a provider is in it, and nothing that happens there is on the estate's record. It is gone afterwards. The estate
itself may be up or down meanwhile.
"""

import http.client
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from freehold.admin.client import AdminClient, UnixConnection
from freehold.admin.founding import found
from freehold.assess.ourselves.result import Answered, Start, Wish
from freehold.bootstrap.launch import stop_supervisor
from freehold.bootstrap.start import ANSWERING, await_ready
from freehold.contract.estate import Estate
from freehold.egress.age import SUFFIX, seal
from freehold.errors import EstateError, OperatorError
from freehold.settings import EngineTargetSection, Settings, read_settings

Tell = Callable[[str, int, int], None]  # what is being done, how much of it is done, of how much (0: not known)

_NOT_TAKEN: Final = frozenset({"freehold.toml", "keys", "ledger", "salts", "run", "drills", "evidence"})
_SIGNS_MODELS: Final = ("vault.key", "vault.pem")  # by which models that the estate approved may run
_STAND_IN: Final = "freehold-has-no-key-of-a-provider-here"
_ANCHOR: Final = re.compile(r"(?m)^[ \t]*anchor[ \t]*=.*$")
_INHERITED: Final = ("PATH", "LANG", "LC_ALL", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy")
_QUESTION: Final = "Hello"
_BEGUN_S: Final = 120.0
_CALL_S: Final = 120.0
_END_S: Final = 60.0
_POLL_S: Final = 0.05


class _Said(msgspec.Struct):
    """The one line of ``seal/alone.py``."""

    problem: str = ""
    names: bool = False
    wanted: tuple[Wish, ...] = ()


class _Error(msgspec.Struct):
    code: str | None = None


class _Answer(msgspec.Struct):
    error: _Error | None = None


_SAID_DECODER: Final = msgspec.json.Decoder(_Said)
_ANSWER_DECODER: Final = msgspec.json.Decoder(_Answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Used:
    """The copy as it was asked from outside."""

    came_up: bool
    said: str
    calls: tuple[Answered, ...] = ()


def start_alone(estate: Estate, tell: Tell) -> Start:
    """Whatever keeps it from being done is said in the result. Raises SettingsError."""
    settings = read_settings(estate.settings)
    with TemporaryDirectory(prefix="freehold-", ignore_cleanup_errors=True) as folder:
        copy = Estate(Path(folder).resolve() / "estate")
        try:
            copy_to_try(estate, copy, settings)
        except (OSError, OperatorError) as problem:
            why = problem.message if isinstance(problem, OperatorError) else type(problem).__name__
            return Start(not_done=f"no copy of the estate could be made: {why}")
        with _running(copy, settings) as process:
            used = _use(copy, settings, process, tell)
            said = _end(copy, process)
    if said.problem:
        return Start(not_done=f"it could not be kept from this machine's network: {said.problem}")
    return Start(
        came_up=used.came_up,
        said=used.said,
        names_seen=said.names,
        calls=used.calls,
        wanted=tuple(wish for wish in said.wanted if not is_own(wish, settings)),
    )


def copy_to_try(estate: Estate, copy: Estate, settings: Settings) -> None:
    """What it starts from is read where it lies; what it writes is its own. Raises OSError, OperatorError."""
    copy.keys.mkdir(mode=0o700, parents=True)
    for path in estate.directory.iterdir():
        if path.name not in _NOT_TAKEN and not path.name.startswith(estate.state.name):
            (copy.directory / path.name).symlink_to(path)
    for name in _SIGNS_MODELS:
        if (estate.keys / name).exists():
            (copy.keys / name).symlink_to(estate.keys / name)
    # The anchor is a file elsewhere, which has the head of the estate's own ledger and not of this one.
    copy.settings.write_text(_ANCHOR.sub("", estate.settings.read_text(encoding="utf-8")), encoding="utf-8")
    if read_settings(copy.settings).ledger.anchor:
        raise EstateError("its [ledger] anchor could not be left out")
    found(copy)
    for provider in settings.providers.values():
        _stand_in(copy, provider.key)


def is_own(wish: Wish, settings: Settings) -> bool:
    """Whether it is a port of the copy itself."""
    listen, served = settings.listen, settings.ledger.served_at
    ports = {listen.port, listen.admin_port, *([served.port] if served else ())}
    host, _, port = wish.what.rpartition(":")
    ours = wish.kind == "here" or host.strip("[]") in (listen.host, listen.admin_host)
    return wish.kind in ("here", "address") and ours and int(port) in ports


def _stand_in(copy: Estate, key: str) -> None:
    """A secret in place of a provider's, so that calls go as far as they would."""
    path = copy.directory / key.removeprefix("file:")
    if not key.startswith("file:") or path.parent != copy.keys:
        return
    if path.suffix == SUFFIX:
        seal(copy, path.stem, _STAND_IN)
    else:
        path.touch(mode=0o600)
        path.write_text(_STAND_IN, encoding="ascii")


@contextmanager
def _running(copy: Estate, settings: Settings) -> Iterator["subprocess.Popen[bytes]"]:
    """The copy, being started. Whatever ends the context ends it."""
    listen = settings.listen
    addresses = ",".join(sorted({host for host in (listen.host, listen.admin_host) if host})) or "-"
    up = [sys.executable, "-m", "freehold.cli.main", "up", "--estate", str(copy.directory), "--plaintext", "--json"]
    watched = [sys.executable, "-m", "freehold.seal.alone", str(copy.directory), addresses, *up]
    with (copy.directory / "start.log").open("wb") as log:
        process = subprocess.Popen(
            watched,
            env=_environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with suppress(OperatorError):
            stop_supervisor(copy)
        process.kill()
        process.communicate()


def _environment(settings: Settings) -> Mapping[str, str]:
    """Nothing that this command was given but what finds programs, and whom it would ask as a proxy."""
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    named = [provider.key for provider in settings.providers.values() if provider.key.startswith("env:")]
    return {**kept, **{key.removeprefix("env:"): _STAND_IN for key in named}}


def _use(copy: Estate, settings: Settings, process: "subprocess.Popen[bytes]", tell: Tell) -> _Used:
    """Wait until it answers, and call each target once."""
    tell("starting a copy without a network", 0, 0)
    client = AdminClient(copy.control_socket)
    ends_s = time.monotonic() + _BEGUN_S
    while not client.answers():
        if process.poll() is not None or time.monotonic() > ends_s:
            return _Used(came_up=False, said=_last_line(copy))
        time.sleep(_POLL_S)
    try:
        status = await_ready(client, tell)
        unfit = [one for one in status["targets"] if one["state"] not in ANSWERING]
        said = "; ".join(f"{one['target']} does not answer: {one['reason']}" for one in unfit)
        return _Used(came_up=True, said=said, calls=tuple(_calls(copy, client, settings, tell)))
    except OperatorError as problem:
        return _Used(came_up=False, said=problem.message)


def _calls(copy: Estate, client: AdminClient, settings: Settings, tell: Tell) -> Iterator[Answered]:
    secret = client.post("keys", {"label": "check"})["key"]["secret"]
    pairs = [(name, target) for name, section in settings.services.items() for target in section.targets]
    for number, (service, target) in enumerate(pairs):
        tell(f"calling {target}", number, len(pairs))
        yield Answered(
            service=service,
            target=target,
            owned=isinstance(settings.targets.get(target), EngineTargetSection),
            ended=_call(copy, secret, service, target),
        )


def _call(copy: Estate, secret: str, service: str, target: str) -> str:
    """How a call through the gateway ended: ``answered``, or why it was not, or by whom it was instead."""
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json", "Freehold-Target": target}
    messages = [{"role": "user", "content": _QUESTION}]
    body = msgspec.json.encode({"model": service, "max_tokens": 4, "messages": messages})
    connection = UnixConnection(copy.gateway_socket, silence_s=_CALL_S)
    try:
        connection.request("POST", "/v1/chat/completions", body=body, headers=headers)
        response = connection.getresponse()
        answer = _ANSWER_DECODER.decode(response.read())
    except (OSError, http.client.HTTPException, msgspec.MsgspecError):
        return "no answer"
    finally:
        connection.close()
    if answer.error is not None:
        return answer.error.code or f"status {response.status}"
    answered_by = response.headers.get("freehold-target", "")
    return "answered" if answered_by == target else f"{answered_by} answered instead"


def _end(copy: Estate, process: "subprocess.Popen[bytes]") -> _Said:
    """Stop it: what whoever watched it saw."""
    with suppress(OperatorError):
        stop_supervisor(copy)
    try:
        told, _ = process.communicate(timeout=_END_S)
        return _SAID_DECODER.decode(told)
    except subprocess.TimeoutExpired:
        return _Said(problem="what was started did not end")
    except msgspec.MsgspecError:
        return _Said(problem="whoever watched it ended before saying what was seen")


def _last_line(copy: Estate) -> str:
    try:
        lines = (copy.directory / "start.log").read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        lines = []
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
