# SPDX-License-Identifier: Apache-2.0
"""Scorecards as they are kept: ``drills/ID.json``, whose digest is in the ledger, and ``drills/ID.html`` for people."""

import re
from pathlib import Path
from typing import Final

import msgspec

from freehold.continuity.drill.report import page
from freehold.continuity.drill.scorecard import Scorecard
from freehold.contract.digest import sha256_of
from freehold.errors import EstateError, NotFound
from freehold.files.whole import put_whole

_SCORECARD_DECODER: Final = msgspec.json.Decoder(Scorecard)

_ID: Final = re.compile(r"drill_[0-9a-f]{12}")
_HINT: Final = "'freehold drill list' shows them."


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One scorecard with the digest of the file that it lies in."""

    card: Scorecard
    digest: str


def keep(folder: Path, card: Scorecard) -> Kept:
    """Write both files, durably. Raises EstateError."""
    data = msgspec.json.encode(card, order="sorted")
    kept = Kept(card=card, digest=sha256_of(data))
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        put_whole(folder / f"{card.id}.json", data)
        put_whole(folder / f"{card.id}.html", page(card, kept.digest).encode())
    except OSError as exc:
        raise EstateError(f"{folder} cannot be written", hint="Check its owner and the disk.") from exc
    return kept


def read_all(folder: Path) -> list[Kept]:
    """Every scorecard, oldest first. Raises EstateError for one that cannot be read."""
    found = [read_one(folder, path.stem) for path in folder.glob("drill_*.json") if _ID.fullmatch(path.stem)]
    return sorted(found, key=lambda kept: kept.card.began)


def read_one(folder: Path, drill_id: str) -> Kept:
    """Raises NotFound, EstateError."""
    if not _ID.fullmatch(drill_id):
        raise NotFound(f"there is no drill {drill_id[:100]!r}", hint=_HINT)
    path = folder / f"{drill_id}.json"
    try:
        data = path.read_bytes()
        return Kept(card=_SCORECARD_DECODER.decode(data), digest=sha256_of(data))
    except FileNotFoundError:
        raise NotFound(f"there is no drill {drill_id!r}", hint=_HINT) from None
    except (OSError, msgspec.DecodeError) as exc:
        raise EstateError(
            f"{path} cannot be read as a scorecard", hint="Compare its digest with the ledger's."
        ) from exc
