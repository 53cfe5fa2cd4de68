# SPDX-License-Identifier: Apache-2.0
"""Server-sent events, split out of a stream and written. After WHATWG HTML, "Interpreting an event stream".

An event keeps the bytes that it came as: those of all events together are the stream. A block without data (a comment,
a blank line, what a broken stream ends in) is an event whose ``data`` is empty; the specification dispatches none for
it.
"""

import re

from freehold.dialect.interface import Event
from freehold.errors import BackendBroke

PING = b":\n\n"
DONE = b"data: [DONE]\n\n"

_MAX_EVENT_BYTES = 16 * 2**20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# The end of a line and of the blank line after it. Atomic, or a CRLF would pass for two ends.
_END = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_CR = 13  # as a byte; to look for one so is ten times as fast as for b"\r"
# An event of a line of data, named or not, as nearly all are; where there is no CR.
_USUAL = re.compile(rb"(?:event: ([a-z_.]+)\n)?data: (.*)\n\n")
_WHOLE = (b"\n\n", b"\r\r", b"\n\r", b"\n\r\n", b"\r\r\n")  # what a block ends in that is not cut off


class Splitter:
    """Cuts a stream into events, wherever the chunks' borders lie. A line ends with LF, CRLF or CR."""

    __slots__ = ("_began", "_held")

    def __init__(self) -> None:
        self._held: bytearray | None = None  # of an event that has not ended: grown, never copied for another chunk
        self._began = False

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that end in this chunk. Raises BackendBroke for one that does not end."""
        # An end may have begun in the last two bytes of what is here. After a lone CR the next chunk may open with the
        # LF that belongs to it; a blank line before an event means nothing, so that needs no care.
        held = self._held
        if held is None and self._began and (one := _usual(chunk, chunk)):
            return [one]
        seen = 0
        buffer: bytes | bytearray = chunk
        if held is not None:
            seen = max(0, len(held) - 2)
            held += chunk
            buffer = held
        events: list[Event] = []
        begin = 0
        for end in _ends(buffer, seen):
            events.append(self._parse(bytes(buffer[begin:end])))
            begin = end
        if begin or held is None:
            self._held = bytearray(buffer[begin:]) if begin < len(buffer) else None
        if self._held is not None and len(self._held) > _MAX_EVENT_BYTES:
            raise BackendBroke(f"the backend sent an event of more than {_MAX_EVENT_BYTES} bytes")
        return events

    def close(self) -> list[Event]:
        """What is left when the stream has ended. The specification drops it: it has bytes, but no data."""
        rest, self._held = bytes(self._held or b""), None
        return [Event(rest, "", b"")] if rest else []

    def _parse(self, raw: bytes) -> Event:
        if not self._began:
            self._began = True
            return _parse(raw, raw.removeprefix(_BYTE_ORDER_MARK))
        return _parse(raw, raw)


def _ends(buffer: bytes | bytearray, seen: int) -> list[int]:
    if buffer.find(b"\r", seen) >= 0:
        return [match.end() for match in _END.finditer(buffer, seen)]
    ends = []
    at = buffer.find(b"\n\n", seen)
    while at >= 0:
        ends.append(at + 2)
        at = buffer.find(b"\n\n", at + 2)
    return ends


def _usual(raw: bytes, block: bytes) -> Event | None:
    """The block as one usual event; None if it is anything else."""
    if _CR in block or (usual := _USUAL.fullmatch(block)) is None:
        return None
    name, data = usual.groups()
    return Event(raw, name.decode() if name else "", data)


def _parse(raw: bytes, block: bytes) -> Event:
    if usual := _usual(raw, block):
        return usual
    name, data = "", []
    for line in block.splitlines():  # of bytes: ends at LF, CRLF and CR alone
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.removeprefix(b" ").decode(errors="replace")
    return Event(raw, name, b"\n".join(data))


def data_event(data: bytes) -> bytes:
    """An event without a name. ``data`` is JSON, which has no line ends."""
    return b"data: " + data + b"\n\n"


def named_event(name: str, data: bytes) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"


def ping_for(event: Event) -> bytes:
    """What to send on for an event without data: a comment keeps the connection alive, all else is dropped.

    Never the block itself: the end of a broken stream would run into the event that says so.
    """
    return PING if event.raw.startswith(b":") else b""


def as_it_came(event: Event) -> bytes:
    """An event's own bytes; none of a block that a broken stream ends in, for the same reason."""
    return event.raw if event.data or event.raw.endswith(_WHOLE) else b""
