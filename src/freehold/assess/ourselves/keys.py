# SPDX-License-Identifier: Apache-2.0
"""Which keys and secrets lie where, with which modes, encrypted or not. Reads first bytes alone, and shows none."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

from freehold.assess.ourselves.result import Key
from freehold.contract.estate import Estate
from freehold.settings import Settings

_HOLDS: Final = {
    "ledger.key": "the ledger's private key",
    "ledger.vkey": "the ledger's public key",
    "vault.key": "what manifests, approvals and evidence are signed with",
    "vault.pem": "the public half of vault.key",
    "age.key": "what opens the secrets of this estate that are encrypted",
}
_PUBLIC: Final = frozenset({".vkey", ".pem", ".pub", ".crt"})
_ENCRYPTED: Final = (b"age-encryption.org/", b"-----BEGIN AGE ENCRYPTED", b"-----BEGIN ENCRYPTED PRIVATE KEY")
_PRIVATE_MARK: Final = b"PRIVATE KEY"
_HEAD_BYTES: Final = 4096
_OTHERS: Final = 0o077
_ENVIRONMENT: Final = "env:"
_AtRest = Literal["encrypted", "in plain", "public", "not kept here", "missing"]


def keys_of(estate: Estate, settings: Settings) -> tuple[Key, ...]:
    """Of the folder for them, then those that the settings name elsewhere, then what stands in for keys."""
    return tuple({key.place: key for key in _all(estate, settings)}.values())


def _all(estate: Estate, settings: Settings) -> Iterator[Key]:
    for path in sorted(estate.keys.iterdir()) if estate.keys.is_dir() else ():
        if path.name not in ("", ".") and not path.is_dir():
            yield _file(estate, path, _HOLDS.get(path.name) or _said_of(path))
    for key, names in _by_key(settings).items():
        holds = f"the API key of {', '.join(names)}"
        if key.startswith(_ENVIRONMENT):
            yield Key(place=key, holds=holds, at_rest="not kept here", within=False)
        else:
            yield _file(estate, estate.directory / key.removeprefix("file:"), holds)
    if settings.listen.tls_key:
        yield _file(estate, estate.directory / settings.listen.tls_key, "the private key of TLS")
    if estate.salts.is_dir():
        yield _folder(estate, estate.salts, "salts: what proves the content of calls, until it is destroyed")
    if estate.state.exists():
        yield _file(estate, estate.state, "digests of API keys and operators' tokens, and no key itself")


def _by_key(settings: Settings) -> dict[str, list[str]]:
    """Providers by what their settings have as key: several may have the same."""
    found: dict[str, list[str]] = {}
    for name, provider in sorted(settings.providers.items()):
        if provider.key:
            found.setdefault(provider.key, []).append(name)
    return found


def _said_of(path: Path) -> str:
    if path.suffix == ".age":
        return f"the API key of a provider, {path.stem}"
    return "a public key" if path.suffix in _PUBLIC else "a key that Freehold did not name"


def _file(estate: Estate, path: Path, holds: str) -> Key:
    """Follows no link: one would be another place."""
    try:
        status = path.lstat()
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            head = file.read(_HEAD_BYTES) if stat.S_ISREG(status.st_mode) else b""
    except OSError:
        return Key(place=_place(estate, path), holds=holds, at_rest="missing", within=_within(estate, path))
    at_rest = _at_rest(path, head)
    return Key(
        place=_place(estate, path),
        holds=holds,
        mode=f"{stat.S_IMODE(status.st_mode):04o}",
        alone=None if at_rest == "public" else stat.S_ISREG(status.st_mode) and not status.st_mode & _OTHERS,
        at_rest=at_rest,
        within=_within(estate, path),
    )


def _folder(estate: Estate, path: Path, holds: str) -> Key:
    mode = stat.S_IMODE(path.lstat().st_mode)
    return Key(
        place=f"{_place(estate, path)}/", holds=holds, mode=f"{mode:04o}", alone=not mode & _OTHERS, at_rest="in plain"
    )


def _at_rest(path: Path, head: bytes) -> _AtRest:
    if head.startswith(_ENCRYPTED):
        return "encrypted"
    return "public" if path.suffix in _PUBLIC and _PRIVATE_MARK not in head else "in plain"


def _place(estate: Estate, path: Path) -> str:
    return str(path.relative_to(estate.directory)) if _within(estate, path) else str(path)


def _within(estate: Estate, path: Path) -> bool:
    return Path(os.path.normpath(path)).is_relative_to(estate.directory)
