# SPDX-License-Identifier: Apache-2.0
"""The files under static/, read once. A browser asks each time whether its copy is still the one, by the digest."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One file."""

    media_type: str
    body: bytes

    @property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.body).hexdigest()}"'


def read_assets() -> Mapping[str, Asset]:
    """All of them, by their path under static/. What is for people to read, such as licences, is not served."""
    return dict(_within(files("freehold.console") / "static", ""))


def _within(folder: Traversable, prefix: str) -> list[tuple[str, Asset]]:
    found: list[tuple[str, Asset]] = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _within(entry, f"{prefix}{entry.name}/")
        elif media_type := _TYPES.get(entry.name.rpartition(".")[2]):
            found.append((prefix + entry.name, Asset(media_type=media_type, body=entry.read_bytes())))
    return found
