# SPDX-License-Identifier: Apache-2.0
"""The proxies that this machine is told to use, by a tool's own setting or by the environment. Reads, contacts nobody.

Where there is one for a place, it is the proxy that is contacted, and the place is asked for there.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # typeshed has it elsewhere

from freehold.contract.grant import Place
from freehold.errors import EgressDenied

_PORTS = {"http": 80, "https": 443}
VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")  # each is read in capitals too


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """A proxy of somebody else's on the way out."""

    place: Place
    encrypted: bool  # the way to the proxy itself
    credentials: str = field(default="", repr=False)  # of Basic authentication, encoded

    @property
    def fields(self) -> tuple[bytes, ...]:
        """What a request to it carries besides."""
        return (f"Proxy-Authorization: Basic {self.credentials}".encode(),) if self.credentials else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstreams:
    """Which proxy is used for what."""

    http: Upstream | None = None
    https: Upstream | None = None
    bypassed: str = ""  # hosts that are contacted directly, as NO_PROXY has them

    def towards(self, place: Place, *, tunnel: bool) -> Upstream | None:
        """The proxy on the way to a place; None where it is contacted itself."""
        if self.bypassed and proxy_bypass_environment(str(place), {"no": self.bypassed}):
            return None
        return self.https if tunnel else self.http

    def contacted(self, place: Place, *, tunnel: bool) -> Place:
        """Who is contacted for a place."""
        upstream = self.towards(place, tunnel=tunnel)
        return upstream.place if upstream else place


def read_upstreams(environment: Mapping[str, str], configured: str = "") -> Upstreams:
    """What a tool has ``configured`` is used for every host; else what the environment says. Raises EgressDenied."""
    if configured:
        upstream = _read(configured)
        return Upstreams(http=upstream, https=upstream)
    http, https, every, none = (environment.get(name) or environment.get(name.upper(), "") for name in VARIABLES)
    return Upstreams(http=_read(http or every), https=_read(https or every), bypassed=none)


def _read(url: str) -> Upstream | None:
    if not url:
        return None
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if host is None or parts.scheme not in _PORTS:
        raise EgressDenied(
            "this machine is set up for a proxy whose address is not of the form http://HOST:PORT or https://HOST:PORT",
            hint="Correct HTTPS_PROXY, or the proxy in pip's settings. Proxies of other kinds are not spoken to.",
        )
    user = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return Upstream(
        place=Place(host, port or _PORTS[parts.scheme]),
        encrypted=parts.scheme == "https",
        credentials=base64.b64encode(user.encode()).decode() if parts.username else "",
    )
