# SPDX-License-Identifier: Apache-2.0
"""Asks hosts over HTTPS from a thread, for one errand: through an outlet, and so only those that are granted.

Made for files: an answer is read piece by piece, a connection is used once, no redirect is followed, and nothing is
unpacked. TLS is always verified, by the system's authorities (``SSL_CERT_FILE`` names others).
"""

import http.client
import os
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from socket import create_server
from typing import Final
from urllib.parse import urlsplit

from freehold.contract.grant import Errand, Permit, Place, read_place
from freehold.egress.outlet import Outlet, opened
from freehold.egress.upstream import read_upstreams
from freehold.errors import ContactFailed, EgressDenied

_SILENT_S: Final = 60.0  # after which a host that sends nothing has hung
_OURS: Final = {"Accept-Encoding": "identity", "User-Agent": "freehold", "Connection": "close"}
_HINT: Final = (
    'Name the host under a [grant.NAME] with for = "import" in freehold.toml (allow_private = true where it lies in a '
    "network of your own) and 'freehold reload'."
)

Tls = Callable[[], ssl.SSLContext]
Answer = http.client.HTTPResponse


class Asking:
    """The hosts of one errand. ``get`` raises EgressDenied for any other, and ContactFailed without an answer."""

    def __init__(self, outlet: Outlet, proxy: tuple[str, int], tls: Tls) -> None:
        self._outlet = outlet
        self._proxy = proxy
        self._tls = tls

    @contextmanager
    def get(self, url: str, headers: Mapping[str, str]) -> Iterator[Answer]:
        """The answer to one request, whatever its status. Reading it raises what ``broken_off`` turns into ours."""
        place = https_place(url)
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection = http.client.HTTPSConnection(*self._proxy, timeout=_SILENT_S, context=self._tls())
        connection.set_tunnel(place.host, place.port)
        try:
            with broken_off(place):
                try:
                    connection.request("GET", target, headers={"Host": parts.netloc, **_OURS, **headers})
                except OSError:
                    self._explain(place)
                    raise
                answer = connection.getresponse()
            yield answer
        finally:
            connection.close()

    def _explain(self, place: Place) -> None:
        """Raise why the outlet would not, or could not, connect; return if it did."""
        if self._outlet.refused:
            raise EgressDenied(f"{place} is not contacted: {'; '.join(self._outlet.refused)}", hint=_HINT)
        if self._outlet.failed:
            raise ContactFailed(f"{place} is not reached: {'; '.join(self._outlet.failed)}")


@contextmanager
def asking(errand_of: frozenset[Place], permit: Permit, tls: Tls = ssl.create_default_context) -> Iterator[Asking]:
    """Leave for the places of an errand, asked for once, for as long as the block lasts. Raises EgressDenied."""
    upstreams = read_upstreams(os.environ)
    contacted = frozenset(upstreams.contacted(place, tunnel=True) for place in errand_of)
    outlet = Outlet(permit(Errand(contacted=contacted, beyond=errand_of - contacted)), upstreams)
    with create_server(("127.0.0.1", 0)) as listening:
        address = listening.getsockname()
        with opened(outlet, listening):
            yield Asking(outlet, (address[0], address[1]), tls)


@contextmanager
def broken_off(place: Place) -> Iterator[None]:
    """Turn what a connection raises into ContactFailed."""
    try:
        yield
    except TimeoutError as exc:
        raise ContactFailed(f"{place} has sent nothing for {_SILENT_S:g} s") from exc
    except ssl.SSLError as exc:
        raise ContactFailed(f"the certificate of {place} cannot be verified, or it speaks no TLS") from exc
    except OSError as exc:
        raise ContactFailed(f"{place} cannot be reached, or hung up") from exc
    except http.client.HTTPException as exc:
        raise ContactFailed(f"{place} answered what is not HTTP, or broke off") from exc


def https_place(url: str) -> Place:
    """Whom an https:// URL contacts. Raises EgressDenied for any other."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    place = read_place(parts.netloc) if parts.scheme == "https" and url.isascii() and url.isprintable() else None
    if place is None or " " in url or "#" in url:
        raise EgressDenied("what is to be asked is not an https:// URL without user, password or fragment")
    return place
