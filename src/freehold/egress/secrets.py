# SPDX-License-Identifier: Apache-2.0
"""The secrets that providers ask for, read where the settings say that they are: ``env:NAME`` or ``file:PATH``.

A secret is read when a call needs it, and stands nowhere else: not in settings, snapshots, logs, errors or the ledger.
"""

import os
from collections.abc import Mapping
from typing import Final, NamedTuple

from freehold.contract.endpoint import Endpoint
from freehold.contract.estate import Estate
from freehold.egress.age import SUFFIX, Unreadable, read_private, unseal
from freehold.errors import ProviderUnavailable

_ENVIRONMENT: Final = "env:"
_FILE: Final = "file:"
_NO_LINE: Final = "is not one line of printable ASCII"
_HINT: Final = "'freehold provider key NAME' keeps one, encrypted; 'env:' is read where the estate was started."

_Stamp = tuple[tuple[int, ...], tuple[int, ...]]  # of the file, and of the key to it


class Secret:
    """A secret in memory. It does not show itself by accident."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(...)"


class _Kept(NamedTuple):
    path: str
    stamp: _Stamp
    secret: Secret


class Secrets:
    """Reads secrets. What was decrypted is kept until its file, or the key to it, is another."""

    def __init__(self, estate: Estate, environment: Mapping[str, str] = os.environ) -> None:
        self._estate = estate
        self._directory, self._age_key = estate.directory, str(estate.age_key)
        self._environment = environment
        self._kept: dict[str, _Kept] = {}  # by what the settings say of where it is

    def of(self, endpoint: Endpoint) -> Secret | None:
        """The endpoint's secret; None where it takes none. Raises ProviderUnavailable saying what is missing."""
        key = endpoint.key
        if not key:
            return None
        try:
            if key.startswith(_ENVIRONMENT):
                return _usable(self._environment.get(key.removeprefix(_ENVIRONMENT), ""))
            return self._from_file(key)
        except Unreadable as exc:
            what = f"provider {endpoint.provider} has no usable key: {key} {exc}"
            raise ProviderUnavailable(what, hint=_HINT) from exc

    def _from_file(self, key: str) -> Secret:
        kept = self._kept.get(key)
        if kept is not None and kept.stamp == self._stamp(kept.path):
            return kept.secret
        path = self._directory / key.removeprefix(_FILE)
        stamp = self._stamp(str(path))
        try:
            content = read_private(path)
        except OSError as exc:
            raise Unreadable("cannot be read") from exc
        secret = _usable(_decoded(unseal(self._estate, content) if path.suffix == SUFFIX else content))
        self._kept[key] = _Kept(str(path), stamp, secret)
        return secret

    def _stamp(self, path: str) -> _Stamp:
        return _stamp(path), _stamp(self._age_key) if path.endswith(SUFFIX) else ()


def _decoded(content: bytes) -> str:
    try:
        return content.decode("ascii")
    except UnicodeDecodeError:  # which would quote the secret
        raise Unreadable(_NO_LINE) from None


def _usable(text: str) -> Secret:
    """A secret that fits into a header. Raises Unreadable."""
    line = text.rstrip("\r\n")
    if not line:
        raise Unreadable("is empty or not there")
    if not (line.isascii() and line.isprintable() and line == line.strip()):
        raise Unreadable(_NO_LINE)
    return Secret(line)


def _stamp(path: str) -> tuple[int, ...]:
    """What changes with a file's content, owner or mode."""
    try:
        status = os.stat(path)  # noqa: PTH116 - every call comes by here
    except OSError:
        return ()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
