# SPDX-License-Identifier: Apache-2.0
"""Where the newest result lies: ``evidence/ourselves.json``, canonical JSON. It is replaced by the next one."""

import os
from pathlib import Path
from secrets import token_hex
from typing import Final

import msgspec

from freehold.assess.ourselves.result import Ourselves
from freehold.contract.estate import Estate
from freehold.errors import EstateError

_FOLDER, _FILE = "evidence", "ourselves.json"
_LARGEST_BYTES: Final = 8 * 2**20
_DECODER: Final = msgspec.json.Decoder(Ourselves)
_AGAIN: Final = "'freehold doctor --sovereignty' makes another."


def kept_path(estate: Estate) -> Path:
    return estate.directory / _FOLDER / _FILE


def keep(estate: Estate, found: Ourselves) -> Path:
    """Whole or not at all. Raises EstateError."""
    path = kept_path(estate)
    partial = path.with_name(f".{path.name}.{token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(encoded(found))
            file.flush()
            os.fsync(file.fileno())
        partial.rename(path)
    except OSError as exc:
        raise EstateError(f"{path} cannot be written", hint="Check its folder and the disk.") from exc
    finally:
        partial.unlink(missing_ok=True)
    return path


def encoded(found: Ourselves) -> bytes:
    return msgspec.json.format(msgspec.json.encode(found, order="sorted"), indent=1) + b"\n"


def read_kept(estate: Estate) -> Ourselves | None:
    """None before the first check. Raises EstateError."""
    path = kept_path(estate)
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_BYTES)
        return _DECODER.decode(content)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise EstateError(f"{path} cannot be read", hint="Run the command as the estate's owner.") from exc
    except msgspec.MsgspecError as exc:
        raise EstateError(f"{path} is no result of a check that this version knows", hint=_AGAIN) from exc
