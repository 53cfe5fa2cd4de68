# SPDX-License-Identifier: Apache-2.0
"""Makes a copy of the ledger the ledger, once nobody knows of a newer one. For an estate that is down."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from freehold.admin.doors import OWN_USER
from freehold.bootstrap.launch import supervisor_pid
from freehold.bootstrap.witnesses import ask_newest_seen
from freehold.contract.digest import sha256_of
from freehold.contract.estate import Estate
from freehold.errors import EstateError, NotAtHome
from freehold.ledger import compose
from freehold.ledger.tree import layout
from freehold.ledger.writing.anchor import require_newest
from freehold.ledger.writing.copies import Migration
from freehold.settings import Settings, read_settings
from freehold.signing.keys import load_signer
from freehold.signing.note import parse_vkey

Seen = Callable[[], Mapping[str, int | None]]
"""The newest size that each configured witness has seen; None where it did not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """``taken``: entries that came from other copies first. ``seen``: what witnesses said. ``act``: its index."""

    origin: str
    size: int
    taken: int
    seen: Mapping[str, int | None]
    act: int


def adopt(estate: Estate, sources: Sequence[Path], *, unwitnessed: bool) -> Adoption:
    """Raises EstateError if the estate is up or its ledger is no copy, VerificationFailed if a newer one is known."""
    if supervisor_pid(estate) is not None:
        raise EstateError("a ledger cannot be adopted while its estate is up", hint="Run 'freehold down' first.")
    settings = read_settings(estate.settings)
    return adopt_once_seen(estate, settings, sources, lambda: _seen(estate, settings), unwitnessed=unwitnessed)


def adopt_once_seen(
    estate: Estate, settings: Settings, sources: Sequence[Path], seen: Seen, *, unwitnessed: bool
) -> Adoption:
    """The same, whoever is asked what was ``seen``: only after other copies have given what they have."""
    verifier = parse_vkey(load_signer(str(estate.ledger_key)).vkey)
    anchor = settings.ledger.anchor
    copy = Migration(estate.ledger, verifier, away=_away(estate, settings), anchor=Path(anchor) if anchor else None)
    try:
        before = copy.size
        for source in sources:
            copy.follow(source)
        if not (estate.ledger / layout.CHECKPOINT).exists():
            raise EstateError(
                f"there is no log in {estate.ledger}", hint="Bring a copy of it: --from DIRECTORY, with a checkpoint."
            )
        sizes = seen()
        kind = "ledger.adopt_unwitnessed" if unwitnessed else "ledger.adopt"
        index = copy.adopt(_act(kind, verifier.name), seen=sizes, unwitnessed=unwitnessed)
        return Adoption(origin=verifier.name, size=copy.size, taken=copy.size - before, seen=sizes, act=index)
    finally:
        copy.close()


def _away(estate: Estate, settings: Settings) -> NotAtHome:
    """Why the ledger has to be adopted. Raises EstateError if it has not."""
    try:
        require_newest(estate.ledger, parse_vkey(load_signer(str(estate.ledger_key)).vkey), settings.ledger.anchor)
    except NotAtHome as away:
        return away
    raise EstateError(f"the ledger in {estate.ledger} is at home", hint="There is nothing to adopt.")


def _seen(estate: Estate, settings: Settings) -> Mapping[str, int | None]:
    return {answer.witness: answer.size for answer in ask_newest_seen(estate, settings)}


def _act(kind: str, origin: str) -> Callable[[datetime, bytes], bytes]:
    def composed(at_utc: datetime, checkpoint: bytes) -> bytes:
        digests = {"checkpoint": sha256_of(checkpoint)}
        return compose.act(id=uuid4().hex, kind=kind, subject=origin, operator=OWN_USER, digests=digests, at_utc=at_utc)

    return composed
