# SPDX-License-Identifier: Apache-2.0
"""Settings that move from one estate to another, as text, with their comments.

What belongs to the place stays with the place: the name of its ledger, ``[estate] origin``, and where it listens,
``[listen]``. All else is what the bundle says. The result is read again and compared, so that what cannot be put
together this way is refused, and never half right.
"""

import re
import tomllib
from collections.abc import Mapping
from typing import Any, Final

from freehold.errors import SettingsError

_HEAD: Final = re.compile(r"^\s*\[{1,2}\s*([^\]]+?)\s*\]{1,2}\s*(#.*)?$")
_ORIGIN: Final = re.compile(r"^\s*origin\s*=")


def merged(theirs: str, ours: str) -> str:
    """Their settings at our place. Raises SettingsError."""
    blocks, own = _blocks(theirs), dict(_blocks(ours))
    origin = next((line for line in own.get("estate", ()) if _ORIGIN.match(line)), "")
    written = []
    for head, lines in blocks:
        if head == "estate":
            written.append("\n".join(origin if _ORIGIN.match(line) else line for line in lines))
        else:
            written.append("\n".join(own.get("listen", []) if head == "listen" else lines))
    if "listen" in own and "listen" not in dict(blocks):
        written.append("\n".join(own["listen"]))
    text = "\n".join(written).rstrip() + "\n"
    if _tables(text) != _expected(_tables(theirs), _tables(ours)):
        raise SettingsError(
            "the bundle's freehold.toml cannot be put together with this estate's [estate] origin and [listen]",
            hint="Import with '--without settings', and bring freehold.toml over by hand.",
        )
    return text


def same_but_for_place(one: str, other: str) -> bool:
    """Whether both say the same of all that moves, whatever their comments say."""
    return _expected(_tables(one), _tables(other)) == _tables(other)


def _expected(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    tables = {name: table for name, table in theirs.items() if name != "listen"}
    tables["estate"] = {**theirs.get("estate", {}), "origin": ours.get("estate", {}).get("origin")}
    return tables | ({"listen": ours["listen"]} if "listen" in ours else {})


def _blocks(text: str) -> list[tuple[str, list[str]]]:
    """The lines of each table, with its head. What stands before the first has none."""
    blocks: list[tuple[str, list[str]]] = [("", [])]
    for line in text.splitlines():
        if head := _HEAD.match(line):
            blocks.append((head[1], []))
        blocks[-1][1].append(line)
    return [block for block in blocks if block[1]]


def _tables(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {"unreadable": text}  # equal to nothing else; whoever reads the settings says where it is wrong
