# SPDX-License-Identifier: Apache-2.0
"""The papers of an estate that go into a bundle: which files they are, and what becomes of them in another estate.

They are freehold.toml, the rules, the facts, and the files that the settings name: acceptance cases, chat templates,
certificates, the public keys of those who are trusted. Never a private key, a password, a call, an application's key,
or anything of the ledger. Where a bundle brings a file that is not one of these, the whole is refused.
"""

import difflib
import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Final

from freehold.admin.bundle_settings import merged, same_but_for_place
from freehold.admin.founding import is_untouched
from freehold.contract.estate import Estate
from freehold.errors import EstateError, VerificationFailed
from freehold.settings import Settings, parse_settings
from freehold.vault.store import disk_faults
from freehold.vault.together import Move


class Part(StrEnum):
    """What papers there are, as the command line names them."""

    SETTINGS = "settings"
    POLICIES = "policies"
    FACTS = "facts"
    ACCEPTANCE = "acceptance"
    BOM = "bom"  # for whoever reads a bundle; no estate takes it in


SETTINGS: Final = "freehold.toml"
BOM: Final = "bom.cdx.json"

_CLAIMS: Final = "policies/claims.txt"
_OWN: Final = frozenset({"vault", "ledger", "salts", "run", "engines", "drills", "state.db"})  # no paper lies there
_MAX_BYTES: Final = 16 * 2**20
_SECRET = re.compile(rb"PRIVATE KEY-----|AGE-SECRET-KEY-|://[^\s/\"'@]+:[^\s/\"'@]+@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """One file that comes, and how it stands to what is here."""

    path: str
    content: bytes
    there: bytes | None  # what is here under that name

    @property
    def outcome(self) -> str:
        if self.there is None:
            return "new"
        return "same" if self.there == self.content else "replaced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """All that comes, as it is to be. ``left_out``: paths that the operator did not want."""

    incoming: tuple[Paper, ...] = ()
    left_out: tuple[str, ...] = field(default=())

    def moves(self, estate: Estate) -> list[Move]:
        """Those that change something, the settings last. Raises EstateError if somebody changed them meanwhile."""
        changing = [paper for paper in self.incoming if paper.outcome != "same"]
        for paper in changing:
            if _there(estate.directory / paper.path) != paper.there:
                raise EstateError(f"{paper.path} was changed while the bundle was checked", hint="Import it again.")
        return [
            Move(place=estate.directory / paper.path, content=paper.content, mode=0o600)
            for paper in sorted(changing, key=lambda paper: (paper.path == SETTINGS, paper.path))
        ]


def read_papers(estate: Estate, settings: Settings, without: Collection[Part]) -> dict[str, bytes]:
    """The estate's papers by their places in it. Raises EstateError for a secret among them."""
    found: dict[str, bytes] = {}
    with disk_faults(f"read the files of {estate.directory}"):
        for path, part in sorted(_paths(estate, settings)):
            if part not in without:
                found[path] = _read(estate.directory / path)
    for path, content in found.items():
        if _SECRET.search(content):
            raise EstateError(
                f"{path} holds a private key, or an address with a password in it, and is not exported",
                hint="Keep secrets out of it: settings name the file or the variable that has them. "
                f"'--without {_part_of(path, settings)}' leaves it out.",
            )
    return found


def plan(
    estate: Estate, papers: Mapping[str, bytes], *, without: Collection[Part], replace: bool
) -> tuple[Papers, Settings | None]:
    """What would become of the papers, and the settings as they would be; None if they stay. Raises EstateError where
    one differs from what is here, VerificationFailed for what is no paper.
    """
    text = papers.get(SETTINGS)
    theirs = _parsed(text.decode(errors="replace")) if text is not None else None
    allowed = dict(_parts(papers, theirs))
    left_out = tuple(path for path, part in allowed.items() if part in without or part is Part.BOM)
    incoming = tuple(_paper(estate, path, papers[path]) for path in allowed if path not in left_out)
    if not replace and (differing := [paper for paper in incoming if _stands_in_the_way(estate, paper)]):
        what = "; ".join(_difference(paper) for paper in differing[:10])
        raise EstateError(
            f"the bundle has other papers than {estate.directory}: {what}",
            hint="Nothing was imported. '--replace' takes the bundle's, '--without PART' leaves a part of it out: "
            "settings, policies, facts or acceptance.",
        )
    settings = next((_parsed(paper.content.decode()) for paper in incoming if paper.path == SETTINGS), None)
    return Papers(incoming=incoming, left_out=left_out), settings


def as_it_would_be(estate: Estate, papers: Papers, folder: Path) -> Estate:
    """The estate with the papers in their places, in an empty folder: to be read, and no more."""
    changing = {paper.path: paper.content for paper in papers.incoming}
    _mirror(estate.directory, folder, PurePosixPath(), changing)
    return Estate(folder)


def _mirror(source: Path, target: Path, at: PurePosixPath, changing: Mapping[str, bytes]) -> None:
    """Links to all that stays, and files for what does not."""
    folders = {PurePosixPath(path).parts[len(at.parts)] for path in changing if PurePosixPath(path).is_relative_to(at)}
    there = {entry.name for entry in source.iterdir()} if source.is_dir() else set()
    for name in there | folders:
        inside = at / name
        if str(inside) in changing:
            (target / name).write_bytes(changing[str(inside)])
        elif name in folders:
            (target / name).mkdir()
            _mirror(source / name, target / name, inside, changing)
        else:
            (target / name).symlink_to(source / name)


def _paths(estate: Estate, settings: Settings) -> Iterator[tuple[str, Part]]:
    """Every paper that is here."""
    yield SETTINGS, Part.SETTINGS
    for folder, part in ((estate.policies, Part.POLICIES), (estate.facts, Part.FACTS)):
        names = [entry.name for entry in folder.iterdir() if entry.is_file()] if folder.is_dir() else []
        yield from ((f"{folder.name}/{name}", part) for name in names if _is_read(f"{folder.name}/{name}"))
    named = {path: part for path, part in _named(settings) if not _is_read(path)}
    yield from ((path, part) for path, part in named.items() if (estate.directory / path).is_file())


def _is_read(path: str) -> bool:
    """Whether it is a file of rules, claims or facts."""
    folder, _, name = path.partition("/")
    if name.startswith(".") or "/" in name:
        return False
    return path == _CLAIMS or (folder, PurePosixPath(name).suffix) in (("policies", ".cedar"), ("facts", ".yaml"))


def _named(settings: Settings) -> Iterator[tuple[str, Part]]:
    """The files of the estate that settings name and that are no secret."""
    for service in settings.services.values():
        yield from _inside(service.acceptance, Part.ACCEPTANCE)
    uris = [uri for trust in settings.trusts.values() for uri in (*trust.keys, *trust.certificates)]
    named = [
        *(target.chat_template for target in settings.engines.values()),
        *(provider.facts for provider in settings.providers.values()),
        *(provider.tls_ca for provider in settings.providers.values()),
        *(witness.tls_ca for witness in settings.witnesses.values()),
        *(uri.removeprefix("file:") for uri in uris),
    ]
    for path in named:
        yield from _inside(path, Part.SETTINGS)


def _inside(path: str, part: Part) -> Iterator[tuple[str, Part]]:
    """The path, if it leads to a place in the estate where papers lie."""
    parts = PurePosixPath(path).parts
    plain = "/".join(parts)
    if path and not path.startswith("/") and ".." not in parts and parts[0] not in _OWN and plain.isprintable():
        yield plain, part


def _parts(papers: Mapping[str, bytes], settings: Settings | None) -> Iterator[tuple[str, Part]]:
    """Every paper of a bundle with what it is. Raises VerificationFailed for one that no estate has."""
    known = dict(_named(settings)) if settings else {}
    for path, content in papers.items():
        part = known.get(path) or {SETTINGS: Part.SETTINGS, BOM: Part.BOM}.get(path)
        if _is_read(path):
            part = Part.POLICIES if path.startswith("policies/") else Part.FACTS
        if part is None or _SECRET.search(content):
            raise VerificationFailed(
                f"the bundle has {path[:200]!r}, which is no paper of an estate, or has a secret in it",
                hint="Nothing was imported. No export of Freehold writes that: ask whoever gave you the bundle.",
            )
        yield path, part


def _part_of(path: str, settings: Settings) -> Part:
    return next(part for known, part in _parts({path: b""}, settings) if known == path)


def _paper(estate: Estate, path: str, content: bytes) -> Paper:
    there = _there(estate.directory / path)
    if path == SETTINGS and there is not None:
        content = merged(content.decode(errors="replace"), there.decode(errors="replace")).encode()
        if same_but_for_place(content.decode(), there.decode()):
            content = there
    return Paper(path=path, content=content, there=there)


def _there(place: Path) -> bytes | None:
    with disk_faults(f"read {place}"):
        return _read(place) if os.path.lexists(place) else None


def _stands_in_the_way(estate: Estate, paper: Paper) -> bool:
    """Whether it would replace what somebody has written here."""
    return paper.outcome == "replaced" and not (paper.path == SETTINGS and is_untouched(estate))


def _difference(paper: Paper) -> str:
    """``policies/a.cedar (2 lines more, 1 less)``."""
    before, after = (content.decode(errors="replace").splitlines() for content in (paper.there or b"", paper.content))
    lines = list(difflib.unified_diff(before, after, n=0, lineterm=""))[2:]
    more, less = (sum(line.startswith(mark) for line in lines) for mark in "+-")
    return f"{paper.path} ({more} lines more, {less} less)"


def _parsed(text: str) -> Settings:
    return parse_settings(text, name="the bundle's freehold.toml")


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise EstateError(f"{path} has over {_MAX_BYTES} bytes: it is not taken into a bundle")
    return content
