# SPDX-License-Identifier: Apache-2.0
"""Making an estate: its directory, its configuration file, its ledger's and its vault's key. Contacts, starts nothing.

freehold.toml is written first and names the ledger, so a founding that was cut short is completed by the next one. A
key is made only for a ledger that has no entry yet: a lost key is never replaced in silence.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template

from freehold.contract.estate import Estate
from freehold.errors import EstateError
from freehold.files.whole import put_whole
from freehold.settings import Settings, read_settings
from freehold.signing.keys import create_file_key, load_signer
from freehold.vault import own_signer

_TEMPLATE = Path(__file__).with_name("founding.toml")
_NOT_OURS_BUT_HARMLESS = frozenset({"lost+found"})  # an estate may be a whole file system
_PRIVATE = 0o700
_WRITABLE = "Give the estate a directory that you own, on a writable disk, with --estate DIR."


@dataclass(frozen=True, slots=True, kw_only=True)
class Founded:
    """An estate that is whole. ``made`` is false if it was so before."""

    estate: Estate
    settings: Settings
    made: bool


def found(estate: Estate, *, port: int = 8080, admin_port: int = 8081) -> Founded:
    """Make the estate, or complete one; the ports are for a new one. Raises EstateError, SettingsError."""
    with _writing(estate.directory):
        _require_writable(estate.directory)
        made = not estate.settings.exists()
        if made:
            _claim(estate.directory)
            put_whole(estate.settings, _configuration(port=port, admin_port=admin_port).encode())
        settings = read_settings(estate.settings)
        for folder in (estate.keys, estate.vault, estate.ledger, estate.salts, estate.run, estate.logs):
            folder.mkdir(mode=_PRIVATE, exist_ok=True)
        if not estate.ledger_key.exists():
            _make_ledger_key(estate, settings.estate.origin)
            made = True
        if not estate.ledger_vkey.exists():
            put_whole(estate.ledger_vkey, f"{load_signer(str(estate.ledger_key)).vkey}\n".encode())
        own_signer(estate)
        return Founded(estate=estate, settings=settings, made=made)


def is_untouched(estate: Estate) -> bool:
    """Whether freehold.toml still says what it said when the estate was made. Raises SettingsError."""
    settings = read_settings(estate.settings)
    listen = settings.listen
    made = _filled(origin=settings.estate.origin, port=listen.port, admin_port=listen.admin_port)
    return estate.settings.read_text(encoding="utf-8") == made


def _require_writable(directory: Path) -> None:
    if directory.is_dir() and not os.access(directory, os.W_OK | os.X_OK):
        raise EstateError(f"{directory} is not writable for this user", hint=_WRITABLE)


def _claim(directory: Path) -> None:
    directory.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    strange = sorted(entry.name for entry in directory.iterdir() if entry.name not in _NOT_OURS_BUT_HARMLESS)
    if strange:
        raise EstateError(
            f"{directory} is not empty and not an estate: it holds {strange[0]!r} and no freehold.toml",
            hint="Name an empty or a new directory with --estate DIR.",
        )


def _configuration(*, port: int, admin_port: int) -> str:
    return _filled(origin=f"freehold.local/{secrets.token_hex(6)}", port=port, admin_port=admin_port)


def _filled(*, origin: str, port: int, admin_port: int) -> str:
    text = _TEMPLATE.read_text(encoding="utf-8")
    return Template(text).substitute(origin=origin, port=port, admin_port=admin_port)


def _make_ledger_key(estate: Estate, origin: str) -> None:
    if (estate.ledger / "checkpoint").exists():
        raise EstateError(
            f"{estate.ledger_key} is gone, and {estate.ledger} was signed with it",
            hint="Restore the key from a backup; no receipt given so far could be checked with a new one.",
        )
    create_file_key(estate.ledger_key, origin)


@contextmanager
def _writing(directory: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as exc:
        raise EstateError(f"{exc.filename or directory} disappeared while the estate was made") from exc
    except NotADirectoryError as exc:
        raise EstateError(f"{directory} cannot be made: part of its path is a file") from exc
    except OSError as exc:
        why = os.strerror(exc.errno) if exc.errno else "the system refused"
        raise EstateError(
            f"{exc.filename or directory} cannot be written: {why.lower()}",
            hint=_WRITABLE,
        ) from exc
