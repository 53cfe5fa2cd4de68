# SPDX-License-Identifier: Apache-2.0
"""What the check found, as it is kept: values that are read back strictly."""

from typing import Final, Literal

import msgspec

UNKNOWN: Final = "unknown"


class Wish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that the start wanted: a ``name``, an ``address``, a port ``here``, a foreign ``socket``."""

    kind: Literal["name", "address", "here", "socket", "unread"]
    what: str
    by: str = ""  # the program, where it is known
    times: int = 1
    because: str = ""  # the setting that names it; empty: none does


class Answered(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A service that was called there. ``ended``: ``answered``, or why not."""

    service: str
    target: str
    owned: bool
    ended: str


class Start(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A start of a copy of the estate where there is no network. ``not_done``: why there was none."""

    not_done: str = ""
    came_up: bool = False
    said: str = ""  # why it did not come up, or which target could not answer
    names_seen: bool = False  # whether questions to name servers could be read
    calls: tuple[Answered, ...] = ()
    wanted: tuple[Wish, ...] = ()


class Place(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody's place that the settings name: contacted when it is used, and by no start."""

    where: str  # HOST:PORT
    setting: str
    why: str


class Package(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A package that runs here. ``country``: of the owner, where a source states it."""

    name: str
    version: str
    owner: str  # as the package states it; empty: it states none
    country: str = UNKNOWN
    country_source: str = ""
    licence: str
    locked: bool  # whether this release has the hashes of its files
    needed_by: tuple[str, ...]


class Key(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key or a secret, by its place. Nothing of what is in it is here."""

    place: str
    holds: str
    mode: str = ""  # in octal; empty: it is no file
    alone: bool | None = None  # whether nobody but its owner may read it; None: it is no secret, or no file
    at_rest: Literal["encrypted", "in plain", "public", "not kept here", "missing"]
    within: bool = True  # whether it lies in the estate's own directory


class Engine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a target runs. Of an engine that was merely ``found`` nobody can say how it was built."""

    target: str
    engine: str
    file: str  # empty: it was not found
    digest: str
    made: Literal["built here", "package", "found", "missing"]
    source: str = ""  # what it was built of, with the digest
    how: tuple[str, ...] = ()
    at: str = ""
    model: str = ""
    model_digest: str = ""  # empty: the model is not in the vault
    model_from: str = ""


class Ourselves(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of it."""

    at: str
    origin: str
    freehold: str
    host: str  # kernel and processor
    start: Start
    places: tuple[Place, ...]
    packages: tuple[Package, ...]
    keys: tuple[Key, ...]
    engines: tuple[Engine, ...]
    schema: Literal[1] = 1

    @property
    def unforeseen(self) -> tuple[Wish, ...]:
        """What the start wanted that leads out of this machine, and no setting names."""
        return tuple(wish for wish in self.start.wanted if wish.kind != "here" and not wish.because)

    @property
    def exposed(self) -> tuple[Key, ...]:
        """Secrets that others than their owner may read."""
        return tuple(key for key in self.keys if key.alone is False)
