# SPDX-License-Identifier: Apache-2.0
"""Heads of requests and responses (RFC 9112 sections 2 to 5), without the empty line that they end in.

Whatever two readers could take in two ways is refused: a line that ends in LF alone, a folded field, space before a
colon, a control character, two lengths, a length beside a coding. Names of fields come out in small letters.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote

HEAD_BYTES: Final = 64 * 1024  # of a head; a longer one is refused
LAST_CHUNK: Final = b"0\r\n\r\n"

_REQUEST: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) ([\x21-\x7e]{1,16384}) HTTP/1\.([01])")
_STATUS: Final = re.compile(rb"HTTP/1\.([01]) ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?")
_FIELDS: Final = re.compile(rb"(?:\r\n[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*)*")
_FIELD: Final = re.compile(r"\r\n([^:]+):[ \t]*([^\r]*)")
_ABSOLUTE: Final = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
_SINGLE: Final = frozenset({"host", "content-length", "transfer-encoding", "authorization"})
_REASONS: Final = {status.value: status.phrase for status in HTTPStatus}


class NotHttp(ValueError):
    """What came is not HTTP/1.1, or is HTTP/1.1 that two readers could take in two ways."""


@dataclass(frozen=True, slots=True)
class RequestHead:
    """``path`` is decoded; ``minor`` is the 1 of HTTP/1.1."""

    method: str
    path: str
    query: str
    minor: int
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class ResponseHead:
    status: int
    minor: int
    headers: dict[str, str]


def read_request_head(head: bytes) -> RequestHead:
    """Raises NotHttp."""
    line, fields = _parts(head)
    matched = _REQUEST.fullmatch(line)
    if matched is None:
        raise NotHttp("the first line is not that of a request")
    path, _, query = _origin_form(matched[2].decode()).partition("?")
    minor, headers = int(matched[3]), _headers(fields)
    if minor and "host" not in headers:
        raise NotHttp("a request names its host")
    return RequestHead(matched[1].decode(), unquote(path) if "%" in path else path, query, minor, headers)


def read_response_head(head: bytes) -> ResponseHead:
    """Raises NotHttp."""
    line, fields = _parts(head)
    matched = _STATUS.fullmatch(line)
    if matched is None:
        raise NotHttp("the first line is not that of a response")
    return ResponseHead(int(matched[2]), int(matched[1]), _headers(fields))


def request_head(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    """Written out, with the empty line. Raises ValueError for what would not stay one line."""
    if not (target.isascii() and target.isprintable() and " " not in target):
        raise ValueError("a request's target is printable, and has no space")
    return _written(f"{method} {target} HTTP/1.1", headers.items())


def response_head(status: int, headers: Iterable[tuple[str, str]]) -> bytes:
    """The same."""
    return _written(f"HTTP/1.1 {status} {_REASONS.get(status, '')}", headers)


def _written(first: str, headers: Iterable[tuple[str, str]]) -> bytes:
    fields = [f"\r\n{name}: {value}" for name, value in headers]
    head = f"{first}{''.join(fields)}".encode("latin-1")
    if not _FIELDS.fullmatch(head, len(first)) or head.count(b"\r\n") != len(fields):
        raise ValueError("a field of a head is one line of latin characters")
    return head + b"\r\n\r\n"


def _parts(head: bytes) -> tuple[bytes, bytes]:
    end = head.find(b"\r\n")
    return (head, b"") if end < 0 else (head[:end], head[end:])


def _headers(fields: bytes) -> dict[str, str]:
    """By name; of a field that may come again the values are joined, as RFC 9110 section 5.3 has it."""
    if not _FIELDS.fullmatch(fields):
        raise NotHttp("a field of the head is not one")
    found = _FIELD.findall(fields.decode("latin-1"))
    headers = {name.lower(): value.rstrip(" \t") for name, value in found}
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
