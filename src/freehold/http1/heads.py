# SPDX-License-Identifier: Apache-2.0
"""Heads of requests and responses (RFC 9112 sections 2 to 5), without the empty line that they end in.

Whatever two readers could take in two ways is refused: a line that ends in LF alone, a folded field, space before a
colon, a control character, two lengths, a length beside a coding. Names of fields come out in small letters.
"""

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote

from msgspec import Struct

HEAD_BYTES: Final = 64 * 1024  # of a head; a longer one is refused
BARE_LF: Final = re.compile(rb"(?<!\r)\n")  # in a head that has not ended, and so never will
LAST_CHUNK: Final = b"0\r\n\r\n"

_REQUEST: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) ([\x21-\x7e]{1,16384}) HTTP/1\.([01])(?=\r\n|\Z)")
_STATUS: Final = re.compile(r"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?(?=\r\n|\Z)")
_FIELD: Final = re.compile(  # or all the rest, which then has no name
    r"\r\n([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)|[\s\S]+"
)
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]+)", re.IGNORECASE)
_IN_A_LINE: Final = bytes([0x09, *range(0x20, 0x7F), *range(0x80, 0x100)])
_ABSOLUTE: Final = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
_SINGLE: Final = frozenset({"host", "content-length", "transfer-encoding", "authorization"})
_REASONS: Final = {status.value: status.phrase for status in HTTPStatus}
_KEPT_BYTES: Final = 4096  # of a head that the next one of its connection is compared with


class NotHttp(ValueError):
    """What came is not HTTP/1.1, or is HTTP/1.1 that two readers could take in two ways."""


class RequestHead(Struct, frozen=True):
    """``path`` is decoded; ``minor`` is the 1 of HTTP/1.1."""

    method: str
    path: str
    query: str
    minor: int
    headers: dict[str, str]


class ResponseHead(Struct, frozen=True):
    status: int
    minor: int
    headers: dict[str, str]


class RequestHeads:
    """The heads of one connection. Most differ from the one before in the length that they announce, and nothing else.

    Such a one is not read again, but for its length: every other byte of it has been read.
    """

    __slots__ = ("_before", "_behind", "_known")

    def __init__(self) -> None:
        self._known: RequestHead | None = None
        self._before = self._behind = b""  # of the known head, what stands before and behind its length

    def read(self, head: bytes) -> RequestHead:
        """Raises NotHttp."""
        known, before, behind = self._known, self._before, self._behind
        if known is not None and head.startswith(before) and head.endswith(behind):
            length = head[len(before) : len(head) - len(behind)]
            if length.isdigit():
                headers = {**known.headers, "content-length": length.decode()}
                return RequestHead(known.method, known.path, known.query, known.minor, headers)
        return self._read_anew(head)

    def _read_anew(self, head: bytes) -> RequestHead:
        read = read_request_head(head)
        length = _LENGTH.search(head) if len(head) <= _KEPT_BYTES else None
        if length is not None and length[1].decode() == read.headers["content-length"]:
            self._known = RequestHead(read.method, read.path, read.query, read.minor, {**read.headers})
            self._before, self._behind = head[: length.start(1)], head[length.end(1) :]
        return read


def read_request_head(head: bytes) -> RequestHead:
    """Raises NotHttp."""
    text = head.decode("latin-1")
    line = _REQUEST.match(text)
    if line is None:
        raise NotHttp("the first line is not that of a request")
    method, target, minor = line.groups()
    path, _, query = _origin_form(target).partition("?")
    headers = _headers(text, line.end())
    if minor == "1" and "host" not in headers:
        raise NotHttp("a request names its host")
    return RequestHead(method, unquote(path) if "%" in path else path, query, int(minor), headers)


def read_response_head(head: bytes) -> ResponseHead:
    """Raises NotHttp."""
    text = head.decode("latin-1")
    line = _STATUS.match(text)
    if line is None:
        raise NotHttp("the first line is not that of a response")
    return ResponseHead(int(line[2]), int(line[1]), _headers(text, line.end()))


def request_head(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    """Written out, with the empty line. Raises ValueError for what would not stay one line."""
    if not (target.isascii() and target.isprintable() and " " not in target):
        raise ValueError("a request's target is printable, and has no space")
    return _written(f"{method} {target} HTTP/1.1", headers.items())


def response_head(status: int, headers: Iterable[tuple[str, str]]) -> bytes:
    """The same."""
    return _written(f"HTTP/1.1 {status} {_REASONS.get(status, '')}", headers)


def _written(first: str, headers: Iterable[tuple[str, str]]) -> bytes:
    lines = [first, *map(": ".join, headers), "\r\n"]
    head = "\r\n".join(lines).encode("latin-1")
    if head.translate(None, _IN_A_LINE) != b"\r\n" * len(lines):  # the ends of these lines, and no other
        raise ValueError("a field of a head is one line of latin characters")
    return head


def _headers(text: str, at: int) -> dict[str, str]:
    """The fields from there on, by name; of one that may come again the values are joined (RFC 9110 section 5.3)."""
    found = _FIELD.findall(text, at)
    headers = {name.lower(): value.rstrip(" \t") for name, value in found}
    if "" in headers:
        raise NotHttp("a field of the head is not one")
    return headers if len(headers) == len(found) else _joined(found)


def _joined(found: list[tuple[str, str]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for written, untrimmed in found:
        name, value = written.lower(), untrimmed.rstrip(" \t")
        if name not in headers:
            headers[name] = value
        elif name in _SINGLE:
            raise NotHttp(f"{name} is there twice")
        else:
            headers[name] = f"{headers[name]}, {value}"
    return headers


def _origin_form(target: str) -> str:
    """RFC 9112 section 3.2: a client may name the whole URL, as it would to a proxy."""
    if target.startswith("/"):
        return target
    absolute = _ABSOLUTE.match(target)
    if absolute is None:
        raise NotHttp("the target of a request is a path")
    return target[absolute.end() :] or "/"
