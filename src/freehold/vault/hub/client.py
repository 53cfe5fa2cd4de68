# SPDX-License-Identifier: Apache-2.0
"""Has huggingface_hub answer, in a process that can reach only the hosts granted for it. It is never imported here.

Its wheels are kept in the vault, exactly those of ``client.lock``. pip fetches them when a repository is first asked
for, and installs them anew for each import, held to their digests and without a network. The client gets no token, no
settings of this machine and no cache; its telemetry is off, and it speaks plain HTTP, not the hub's own protocol.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from freehold.egress.enclosure import PROXY, enclosed, no_way_out
from freehold.egress.outlet import Outlet
from freehold.errors import VaultError
from freehold.vault.fetching import Delivery, PipFetch, opened_log
from freehold.vault.store import disk_faults

_POLL_S: Final = 0.2
_SCRIPT: Final = Path(__file__).with_name("asking_hub.py")
LOCK: Final = Path(__file__).with_name("client.lock")
_KEPT: Final = ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR")  # of this process's environment
_SETTINGS: Final = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    "HF_HUB_DISABLE_XET": "1",  # its own protocol, to hosts of its own choice
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    "HF_HUB_DOWNLOAD_TIMEOUT": "60",  # in seconds, for which a host may send nothing
}

Said = TypeVar("Said", bound=msgspec.Struct)


class Client:
    """The client, installed for one import: asks one hub, and leaves what it says in ``delivery.log``."""

    def __init__(self, folder: Path, endpoint: str, delivery: Delivery) -> None:
        self._folder = folder
        self._endpoint = endpoint
        self._delivery = delivery

    def ask(
        self, question: Mapping[str, object], said: msgspec.json.Decoder[Said], outlet: Outlet, tell: Callable[[], None]
    ) -> Said:
        """The answer to one question. ``tell`` is called all the time; raising from it ends the client.

        Raises VaultError where the client gives none.
        """
        scratch = self._delivery.scratch
        asked, answer = scratch / "question.json", scratch / "answer.json"
        proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), PROXY)
        environment = {**_SETTINGS, **proxies, "HF_ENDPOINT": self._endpoint, "HF_HOME": str(scratch / "home")}
        asked.write_bytes(msgspec.json.encode({**question, "endpoint": self._endpoint, "environment": environment}))
        answer.unlink(missing_ok=True)
        status = self._run([str(self._folder), str(asked), str(answer)], outlet, tell)
        try:
            return said.decode(answer.read_bytes())
        except (FileNotFoundError, msgspec.DecodeError) as exc:
            raise VaultError(
                f"what the hub says cannot be understood, or its client failed (it ended with {status}); what the "
                f"client said is in {self._delivery.log}"
            ) from exc

    def _run(self, arguments: list[str], outlet: Outlet, tell: Callable[[], None]) -> int:
        scratch = self._delivery.scratch
        command = [sys.executable, "-I", "-S", str(_SCRIPT), *arguments]  # -S: none of this program's own packages
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        environment |= {"HOME": str(scratch), "TMPDIR": str(scratch)}
        with (
            opened_log(self._delivery.log) as log,
            enclosed(command, outlet, environment=environment, folder=scratch, output=log, errors=log) as client,
        ):
            while client.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    client.wait(timeout=_POLL_S)
                tell()
            return client.returncode


class Installer:
    """Puts the client where an import can use it. ``kept`` is the folder that has its wheels, or is to have them."""

    def __init__(self, kept: Path, pip: PipFetch) -> None:
        self._kept = kept
        self._pip = pip

    def installed(self, endpoint: str, delivery: Delivery) -> Client:
        """Raises VaultError, EgressDenied."""
        folder = delivery.scratch / "client"
        with disk_faults(f"install the client of the hub into {delivery.scratch}"):
            delivery.log.unlink(missing_ok=True)
            if not self._kept.is_dir() or not self._install(folder, delivery):
                self._fetch(delivery)
                if not self._install(folder, delivery):
                    raise VaultError(f"pip could not install the client of the hub; what it said is in {delivery.log}")
        return Client(folder, endpoint, delivery)

    def _fetch(self, delivery: Delivery) -> None:
        """Have the wheels, all of them or those that were there before."""
        wheels = delivery.scratch / "wheels"
        by_hand = (
            "The client of the hub is huggingface_hub with what it needs. Without a network: run 'pip download "
            f"--no-deps --only-binary=:all: --require-hashes --requirement {LOCK} --dest {self._kept.name}' where "
            f"there is one, and bring that folder to {self._kept}."
        )
        self._pip.take_wheels(LOCK, wheels, delivery, by_hand)
        if self._kept.is_dir():
            self._kept.rename(delivery.scratch / "old")
        self._kept.parent.mkdir(mode=0o700, exist_ok=True)
        wheels.rename(self._kept)

    def _install(self, folder: Path, delivery: Delivery) -> bool:
        """Whether all wheels were there, and what they must be."""
        command = [
            *(sys.executable, "-I", "-m", "pip", "--isolated", "install", "--quiet", "--disable-pip-version-check"),
            *("--no-index", f"--find-links={self._kept}", "--no-deps", "--only-binary=:all:", "--require-hashes"),
            *("--no-compile", "--no-cache-dir", f"--target={folder}", f"--requirement={LOCK}"),
        ]
        environment = {**os.environ, "TMPDIR": str(delivery.scratch)}
        with (
            opened_log(delivery.log) as log,
            enclosed(
                command, no_way_out(), environment=environment, folder=delivery.scratch, output=log, errors=log
            ) as pip,
        ):
            while pip.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    pip.wait(timeout=_POLL_S)
                delivery.progress(0, 0)
            return pip.returncode == 0
