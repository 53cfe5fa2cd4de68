# SPDX-License-Identifier: Apache-2.0
"""What a client asks of a forward proxy (RFC 9110 section 9.3.6, RFC 9112 section 3.2): read, and written again. Pure.

A request that is not forwarded as a tunnel is the only one of its connection, and its body has a length: what follows
could be meant for another host. Names of hosts in it are taken from the target alone.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from freehold.contract.grant import Place, read_place

HEAD_BYTES = 32 * 1024

_LINE = re.compile(rb"^([A-Z]{1,16}) (\S{1,8192}) HTTP/1\.[01]$")
_FIELD = re.compile(rb"^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t \x21-\x7e\x80-\xff]*$")
_NOT_PASSED_ON = (
    b"host",
    b"connection",
    b"keep-alive",
    b"te",
    b"upgrade",
    b"trailer",
)  # and all that begin with proxy-


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request to the proxy. ``line`` and ``fields`` are as they go on to the host itself."""

    place: Place
    tunnel: bool
    body_bytes: int = 0
    method: bytes = b""
    target: bytes = b""  # absolute
    fields: tuple[bytes, ...] = ()

    def head(self, *, to_a_proxy: bool = False, more: tuple[bytes, ...] = ()) -> bytes:
        """The head of the one request that is passed on, in origin form, or in absolute form for another proxy."""
        parts = urlsplit(self.target)
        relative = (parts.path or b"/") + (b"?" + parts.query if parts.query else b"")
        target = self.target if to_a_proxy else relative
        line = b"%b %b HTTP/1.1" % (self.method, target)
        host = b"Host: %b" % parts.netloc.rpartition(b"@")[2]
        return b"\r\n".join((line, host, *self.fields, b"Connection: close", *more, b"", b""))


def read_asked(head: bytes) -> Asked | None:
    """The request whose head ends in an empty line; None where it is not one, or not one for a proxy."""
    line, *fields = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    matched = _LINE.match(line)
    if matched is None or not all(map(_FIELD.match, fields)):
        return None
    method, target = matched[1], matched[2]
    if method == b"CONNECT":
        place = read_place(_text(target), port=0)
        return Asked(place=place, tunnel=True) if place else None
    return _absolute(method, target, fields)


def _absolute(method: bytes, target: bytes, fields: list[bytes]) -> Asked | None:
    try:
        parts = urlsplit(_text(target))
        place = Place((parts.hostname or "").lower(), parts.port or 80)
    except ValueError:
        return None
    lengths = {value.strip() for name, value in map(_split, fields) if name == b"content-length"}
    coded = any(name == b"transfer-encoding" for name, _ in map(_split, fields))
    body = next(iter(lengths), b"0")
    if parts.scheme != "http" or read_place(str(place)) != place or coded or len(lengths) > 1 or not body.isdigit():
        return None
    return Asked(
        place=place,
        tunnel=False,
        body_bytes=int(body),
        method=method,
        target=target.partition(b"#")[0],
        fields=tuple(field for field in fields if not _is_ours(_split(field)[0])),
    )


def _split(field: bytes) -> tuple[bytes, bytes]:
    name, _, value = field.partition(b":")
    return name.lower(), value


def _is_ours(name: bytes) -> bool:
    return name in _NOT_PASSED_ON or name.startswith(b"proxy-")


def _text(target: bytes) -> str:
    return target.decode("latin-1")
