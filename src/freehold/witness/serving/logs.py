# SPDX-License-Identifier: Apache-2.0
"""The logs that a witness watches: lines ``log VKEY [URL]``, as c2sp.org/tlog-policy §Defining a log has them.

The name in a key is the log's origin. A log that changes its key has two lines for a while. The URL is for people.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from freehold.errors import SettingsError, VerificationFailed
from freehold.signing.cosignature import Cosigner, parse_cosigner
from freehold.signing.note import KeyKind, Note, Signature, Verifier, parse_vkey, split_key

_MAX_ORIGIN_BYTES = 255  # c2sp.org/tlog-cosignature §ML-DSA-44 signed message
_MAX_FILE_BYTES = 2**22
_FORM = "expected lines 'log VKEY' or 'log VKEY URL'"
_log = logging.getLogger(__name__)

LogKey = Verifier | Cosigner  # an Ed25519 key signs the note; one of the other types signs as a witness does


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedLog:
    """One log, by its origin, and the keys that it may sign with."""

    origin: str
    keys: tuple[LogKey, ...]

    def signatures(self, note: Note) -> tuple[Signature, ...]:
        """Those that the log's keys have made. Raises VerificationFailed if there is none, or one does not hold."""
        known = {(key.name, key.key_id): key for key in self.keys}
        found = [line for line in note.signatures if (line.name, line.key_id) in known]
        for line in found:
            if not _holds(known[line.name, line.key_id], note.text, line.signature):
                raise VerificationFailed(
                    f"the signature of {line.name}+{line.key_id.hex()} does not fit the checkpoint"
                )
        if not found:
            raise VerificationFailed("no key that this witness knows of the log has signed the checkpoint")
        return tuple(dict.fromkeys(found))


class WatchedLogs:
    """The file, read again when it has changed. A change that cannot be read is logged, and the logs stay as they were.

    Raises SettingsError if it cannot be read at first.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = self._stamp_now()
        self._logs = read_logs(path)

    def __call__(self) -> Mapping[str, WatchedLog]:
        stamp = self._stamp_now()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._logs = read_logs(self._path)
            except SettingsError as problem:
                _log.error("%s; the logs watched stay as they were", problem.message)
            else:
                _log.info("watching %d logs", len(self._logs))
        return self._logs

    def _stamp_now(self) -> tuple[int, int, int]:
        try:
            status = self._path.stat()
        except OSError:
            return (0, 0, 0)
        return (status.st_mtime_ns, status.st_size, status.st_ino)


def read_logs(path: Path) -> Mapping[str, WatchedLog]:
    """The logs in the file, by origin. Raises SettingsError naming the line."""
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_FILE_BYTES).decode()
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(
            f"{path} cannot be read as UTF-8 text", hint=f"It names the logs to watch: {_FORM}."
        ) from exc
    keys: dict[str, list[LogKey]] = {}
    public: set[bytes] = set()
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip(" \t") and not line.lstrip(" \t").startswith("#"):
            try:
                key = _read_line(line)
            except VerificationFailed as problem:
                raise SettingsError(
                    f"{path}, line {number}: {problem.message}", hint=f"In this file {_FORM}."
                ) from problem
            if key.public_key in public:
                raise SettingsError(f"{path}, line {number}: the key of {key.name} is there already", hint="Remove it.")
            public.add(key.public_key)
            keys.setdefault(key.name, []).append(key)
    return {origin: WatchedLog(origin=origin, keys=tuple(of_log)) for origin, of_log in keys.items()}


def parse_log_key(vkey: str) -> LogKey:
    """Raises VerificationFailed."""
    key: LogKey = parse_vkey(vkey) if split_key(vkey).kind == KeyKind.ED25519 else parse_cosigner(vkey)
    if len(key.name.encode()) > _MAX_ORIGIN_BYTES:
        raise VerificationFailed(f"the origin {key.name[:40]}... is longer than {_MAX_ORIGIN_BYTES} bytes")
    return key


def _read_line(line: str) -> LogKey:
    words = line.replace("\t", " ").split(" ")
    keyword, *rest = [word for word in words if word]
    if keyword != "log" or not 1 <= len(rest) <= 2:
        raise VerificationFailed(f"{line.strip()[:60]!r} names no log")
    return parse_log_key(rest[0])


def _holds(key: LogKey, text: str, signature: bytes) -> bool:
    if isinstance(key, Verifier):
        return key.verifies(text.encode(), signature)
    return key.verified_at(text, signature) is not None
