# SPDX-License-Identifier: Apache-2.0
"""Where the newest result lies: ``evidence/ourselves.json``, canonical JSON. It is replaced by the next one."""

from pathlib import Path
from typing import Final

import msgspec

from freehold.assess.ourselves.result import Ourselves
from freehold.contract.estate import Estate
from freehold.errors import EstateError
from freehold.files.whole import put_whole

_FOLDER, _FILE = "evidence", "ourselves.json"
_LARGEST_BYTES: Final = 8 * 2**20
_DECODER: Final = msgspec.json.Decoder(Ourselves)
_AGAIN: Final = "'freehold doctor --sovereignty' makes another."


def kept_path(estate: Estate) -> Path:
    return estate.directory / _FOLDER / _FILE


def keep(estate: Estate, found: Ourselves) -> Path:
    """Whole or not at all. Raises EstateError."""
    path = kept_path(estate)
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        put_whole(path, encoded(found))
    except OSError as exc:
        raise EstateError(f"{path} cannot be written", hint="Check its folder and the disk.") from exc
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
