# SPDX-License-Identifier: Apache-2.0
"""A pack before it is signed: every file but the manifest, its signature and the proofs of that. Changes nothing.

Reads the estate's files beside the picture of it: what the reports were drawn from lies in the pack as it lies there.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from freehold import __version__
from freehold.assess.bom import bom_of_estate
from freehold.assess.evidence.answers import answers_path
from freehold.assess.evidence.pack.chosen import Chosen, choose
from freehold.assess.evidence.pack.index import Indexed, write_index
from freehold.assess.evidence.pack.reports import Made, draw_up, on_paper
from freehold.assess.evidence.picture import Picture
from freehold.contract.estate import Estate
from freehold.errors import EstateError
from freehold.ledger.check.issuing import receipts_for
from freehold.ledger.record.entry import OutcomeEntry, read_entry
from freehold.ledger.tree.merkle import EMPTY_ROOT
from freehold.ledger.tree.store import LedgerFiles
from freehold.policy.facts import load_register
from freehold.settings import read_settings
from freehold.signing.elliptic import load_elliptic_verifier
from freehold.vault import Vault
from freehold.verify.form.manifest import (
    FORMAT,
    HEADS,
    KEY,
    POLICY,
    RECEIPTS,
    SCORECARDS,
    VKEY,
    Kind,
    Manifest,
    describe,
    write_manifest,
)

_UNUSUAL: Final = re.compile(r"[^A-Za-z0-9._-]+")
_LARGEST_GIVEN_BYTES: Final = 64 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What goes into a pack besides what always does. ``receipts``: indexes of further entries."""

    id: str
    policy: str  # the tlog-policy that the estate hands out
    profile: str = ""
    calls_each: int = 3
    receipts: tuple[int, ...] = ()
    given: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """``files`` in their order, the index first."""

    manifest: Manifest
    manifest_bytes: bytes
    files: Mapping[str, bytes]
    chosen: Chosen

    @property
    def digest(self) -> str:
        return f"sha256:{hashlib.sha256(self.manifest_bytes).hexdigest()}"


def draft(estate: Estate, picture: Picture, wanted: Wanted) -> Draft:
    """Raises EstateError, NotFound, VerificationFailed."""
    reports = draw_up(picture, wanted.profile)
    chosen = _chosen(estate, picture, wanted)
    parts = [file for report in reports.each for file in report.files(picture)]
    parts += [*_sources(estate, picture), *_records(estate, picture), *_ledger(estate, picture, chosen, wanted)]
    parts += [*_given(wanted.given)]
    indexed = Indexed(id=wanted.id, picture=picture, reports=reports, files=tuple(parts), chosen=chosen)
    page = write_index(indexed)
    title = "Evidence pack: what is in it, and how to check it"
    first = [
        Made(path="index.html", kind=Kind.INDEX, title=title, content=page),
        Made(path="index.pdf", kind=Kind.INDEX, title=f"{title}, on paper", content=on_paper(page, picture)),
    ]
    files = {made.path: made for made in (*first, *sorted(parts, key=lambda made: made.path))}
    manifest = Manifest(
        pack=FORMAT,
        id=wanted.id,
        origin=picture.origin,
        made_at=picture.at,
        freehold=__version__,
        key=load_elliptic_verifier(str(estate.vault_pub)).hint,
        tree_size=picture.ledger.size if picture.ledger else 0,
        root=picture.ledger.root if picture.ledger else EMPTY_ROOT.hex(),
        files=tuple(describe(made.path, made.kind, made.title, made.content) for made in files.values()),
    )
    return Draft(
        manifest=manifest,
        manifest_bytes=write_manifest(manifest),
        files={path: made.content for path, made in files.items()},
        chosen=chosen,
    )


def _chosen(estate: Estate, picture: Picture, wanted: Wanted) -> Chosen:
    if picture.ledger is None:
        return Chosen(acts={}, calls={}, left_out=0)
    log = LedgerFiles(estate.ledger)
    found = choose(log.entries(log.minimum_index(), picture.ledger.size), wanted.calls_each)
    asked = (_first_of(log, index, picture.ledger.size) for index in wanted.receipts)
    return found.with_calls(dict.fromkeys(asked, "asked for"))


def _first_of(log: LedgerFiles, index: int, size: int) -> int:
    """Where the entry lies that its receipt is named for: of an outcome, the admission. Raises EstateError."""
    if index >= size:
        raise EstateError(f"entry {index} is not in the ledger, which has {size} entries", hint="Check the number.")
    entry = read_entry(log.entry(index, size))
    return entry.admission if isinstance(entry, OutcomeEntry) else index


def _sources(estate: Estate, picture: Picture) -> Iterator[Made]:
    """Settings, rules, facts, materials; and what people said."""
    yield _copied(estate.settings, "estate/freehold.toml", Kind.SOURCE, "The settings; no secret stands in them")
    for folder, title in ((estate.policies, "Rules of the estate"), (estate.facts, "Facts of the estate's own")):
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.is_file() and not path.is_symlink():
                yield _copied(path, f"estate/{folder.name}/{_plain(path.name)}", Kind.SOURCE, title)
    settings, models = read_settings(estate.settings), Vault(estate.vault).list()
    at = datetime.fromisoformat(picture.at)
    bom = bom_of_estate(settings, models, load_register(estate.facts), at, estate.engines)
    title = "Bill of materials, CycloneDX: models, engines, packages, providers"
    yield Made(path="estate/bom.cdx.json", kind=Kind.SOURCE, title=title, content=bom)
    answers = answers_path(estate.directory)
    if answers.exists():
        yield _copied(answers, "asserted/answers.toml", Kind.ASSERTED, "What people said, by name; nobody signed it")


def _records(estate: Estate, picture: Picture) -> Iterator[Made]:
    for drill in picture.drills:
        for ending, title in ((".json", "scorecard, as its digest is on record"), (".html", "scorecard, for people")):
            path = estate.drills / f"{drill.id}{ending}"
            if path.exists():
                name = f"{SCORECARDS}{path.name}"
                yield _copied(path, name, Kind.RECORD, f"Drill {drill.scenario} of {drill.service}: {title}")


def _ledger(estate: Estate, picture: Picture, chosen: Chosen, wanted: Wanted) -> Iterator[Made]:
    yield _copied(
        estate.ledger_vkey, VKEY, Kind.KEY, "The ledger's verifier key: compare it with the one that you have"
    )
    yield _copied(estate.vault_pub, KEY, Kind.KEY, "The public key that signed the manifest")
    title = "Whom the estate hands out as to be trusted"
    yield Made(path=POLICY, kind=Kind.KEY, title=title, content=wanted.policy.encode())
    if picture.ledger is None:
        return
    for path in HEADS:
        place = estate.directory / path
        if place.exists():
            yield _copied(place, path, Kind.HEAD, "A signed head of the ledger")
    for index, content in receipts_for(estate.ledger, picture.origin, chosen.indexes).items():
        title = f"Receipt of entry {index}: {chosen.why(index)}"
        yield Made(path=f"{RECEIPTS}{index}.json", kind=Kind.RECEIPT, title=title, content=content)


def _given(paths: Iterable[Path]) -> Iterator[Made]:
    taken: set[str] = set()
    for path in paths:
        name = _plain(path.name)
        if name.lower() in taken:
            raise EstateError(f"two of the files that are given are called {name!r}", hint="Rename one of them.")
        taken.add(name.lower())
        yield _copied(path, f"given/{name}", Kind.GIVEN, "Made elsewhere, and put in as it came")


def _copied(path: Path, name: str, kind: Kind, title: str) -> Made:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_GIVEN_BYTES + 1)
    except OSError as exc:
        raise EstateError(f"{path} cannot be read", hint="Check its owner.") from exc
    if len(content) > _LARGEST_GIVEN_BYTES:
        raise EstateError(f"{path} is larger than a pack takes: {_LARGEST_GIVEN_BYTES} bytes", hint="Leave it out.")
    return Made(path=name, kind=kind, title=title, content=content)


def _plain(name: str) -> str:
    """As a file in a pack may be called."""
    return _UNUSUAL.sub("-", name).strip("-._") or "file"
