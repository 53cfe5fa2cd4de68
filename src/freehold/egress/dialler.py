# SPDX-License-Identifier: Apache-2.0
"""The way to one provider's endpoint, for calls that may go there and for nothing else.

What is dialled, and how, is ``connections.py``'s; which addresses, and for which calls, is decided here.
"""

import ssl
from collections.abc import Awaitable, Mapping
from typing import Final

from freehold.contract.backend import BackendKind
from freehold.contract.endpoint import Endpoint
from freehold.contract.estate import Estate
from freehold.egress.addresses import LOCAL_KINDS, PUBLIC, is_address, kind_of
from freehold.egress.connection import Answer
from freehold.egress.connections import AddressInfo, Connections, Lookup, look_up
from freehold.egress.interface import Leave
from freehold.errors import ProviderUnavailable

__all__ = ["AddressInfo", "Dialler", "Lookup", "look_up"]

_PRIVATE: Final = "Set allow_private = true for this provider if it is meant to lie in a network of your own."
_PLAIN: Final = "Give base_url an https:// address; plain http:// never leaves your own network."


class Dialler:
    """Connections to one endpoint, kept for the next call. Made anew by the next call after ``retire`` too."""

    def __init__(self, endpoint: Endpoint, estate: Estate, *, lookup: Lookup = look_up) -> None:
        self.endpoint = endpoint
        self._estate = estate
        self._connections = Connections(
            endpoint.host, self._check, self._tls, connect_s=endpoint.limits.connect_s, lookup=lookup
        )

    def post(self, path: str, body: bytes, headers: Mapping[str, str], leave: Leave) -> Awaitable[Answer]:
        """Send a call, and wait for the head of its answer, which is to be closed. ``path`` is put behind the base URL.

        Raises ProviderUnavailable for an address that may not be dialled, and WayBroken.
        """
        self.require(leave)
        return self._connections.ask("POST", self.endpoint.base_url + path, body, headers)

    def retire(self) -> None:
        """No configuration names the endpoint any more: each connection is closed once it has nothing to do."""
        self._connections.retire()

    def close(self) -> None:
        """Whatever is under way."""
        self._connections.close()

    def require(self, leave: Leave) -> None:
        """A call without leave is a bug, and comes no further than this: not even a name is looked up for it."""
        target = leave.target
        if target.name not in leave.decision.allowed:
            raise RuntimeError(f"decision {leave.decision.id} does not allow the target {target.name}")
        if target.kind is not BackendKind.PROVIDER or target.operator != self.endpoint.provider:
            raise RuntimeError(f"the target {target.name} is {target.operator}'s, not {self.endpoint.provider}'s")

    def _tls(self) -> ssl.SSLContext:
        ca = self.endpoint.tls_ca
        try:
            return ssl.create_default_context(cafile=str(self._estate.directory / ca) if ca else None)
        except (OSError, ssl.SSLError) as exc:
            raise ProviderUnavailable(
                f"the authority of provider {self.endpoint.provider}, {ca}, cannot be read as certificates"
            ) from exc

    def _check(self, address: str) -> None:
        """Raise ProviderUnavailable for an address that this endpoint may not lie at."""
        endpoint, kind = self.endpoint, kind_of(address)
        if kind != PUBLIC and not endpoint.allow_private:
            how = "lies at" if is_address(endpoint.host) else "resolves to"
            raise ProviderUnavailable(
                f"the host of provider {endpoint.provider} {how} a {kind} address, and is not dialled", hint=_PRIVATE
            )
        if not endpoint.encrypted and kind not in LOCAL_KINDS:
            raise ProviderUnavailable(
                f"provider {endpoint.provider} would be sent plain text over a public network, and is not dialled",
                hint=_PLAIN,
            )
