# SPDX-License-Identifier: Apache-2.0
"""What a request asks for, as far as scripts look at it; the same for every vendor."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An image in a request: what it is, or where it lies."""

    media_type: str = ""
    size_bytes: int = 0
    url: str = ""

    def __str__(self) -> str:
        return self.url or f"{self.media_type} of {self.size_bytes} bytes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    name: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What the caller's tool gave."""

    call_id: str
    text: str
    is_error: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    model: str
    stream: bool = False
    with_usage: bool = True  # whether a stream ends with the usage
    system: str = ""
    last: str = ""  # the text of the last turn
    prefill: str = ""  # what the answer goes on from
    repeats_prefill: bool = False  # whether the vendor's answer begins with it
    pictures: tuple[Picture, ...] = ()
    tools: tuple[Tool, ...] = ()
    choice: str = "auto"  # auto, none, any, or a tool's name
    parallel: bool = True
    results: tuple[Result, ...] = ()
    schema: Mapping[str, Any] | None = None
    stop: tuple[str, ...] = ()
    thinks: bool = False  # whether reasoning was asked for and may be shown
    choices: int = 1


class NotAPicture(Exception):
    """Not an image that a vendor would take."""


def picture_at(url: str) -> Picture:
    """Of a ``data:`` or an ``https:`` url. Raises NotAPicture."""
    if url.startswith(("https://", "http://")):
        return Picture(url=url)
    head, comma, data = url.partition(",")
    media_type, semicolon, encoding = head.removeprefix("data:").partition(";")
    if not (head.startswith("data:") and comma and semicolon and encoding == "base64"):
        raise NotAPicture
    return picture_of(media_type, data)


def picture_of(media_type: str, data: str) -> Picture:
    """Of base64 text. Raises NotAPicture where the bytes are not what they are said to be."""
    try:
        image = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise NotAPicture from exc
    if media_type not in {kind for magic, kind in _MAGIC.items() if image.startswith(magic)}:
        raise NotAPicture
    return Picture(media_type=media_type, size_bytes=len(image))
