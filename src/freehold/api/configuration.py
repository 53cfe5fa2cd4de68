# SPDX-License-Identifier: Apache-2.0
"""One snapshot with the look-ups that a call needs. Swapped whole; a call keeps the one it began with."""

import hashlib
from collections.abc import Mapping

from freehold.contract.backend import Service, Target
from freehold.contract.snapshot import ApiKey, Snapshot
from freehold.contract.standing import Standing
from freehold.errors import InvalidKey
from freehold.policy import Policy
from freehold.relay import Backends
from freehold.route import Names


class Configuration:
    """Keys by the digest of their secret, services by name, targets by service, the policy over them, the backends."""

    def __init__(self, snapshot: Snapshot, backends: Backends) -> None:
        self.snapshot = snapshot
        self.backends = backends
        self.policy = Policy(snapshot)
        self.names = Names(snapshot.services)
        self._keys = {key.secret_sha256: key for key in snapshot.keys}
        self._targets = {target.name: target for target in snapshot.targets}
        self._of_service = {
            service.name: tuple(self._targets[name] for name in service.targets) for service in snapshot.services
        }
        self.standings: Mapping[str, Standing] = {standing.target: standing for standing in snapshot.standings}

    def authenticate(self, headers: Mapping[str, str], now_unix: float) -> ApiKey:
        """The key that the caller holds. Raises InvalidKey, after the same work whatever is wrong with it."""
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        secret = bearer.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
        key = self._keys.get(hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest())
        if key is None or 0 < key.expires_at_unix <= now_unix:
            raise InvalidKey
        return key

    def target(self, name: str) -> Target | None:
        return self._targets.get(name)

    def targets(self, service: Service) -> tuple[Target, ...]:
        """The service's targets, in its order."""
        return self._of_service[service.name]

    def names_for(self, key: ApiKey) -> list[str]:
        """The names that a key may put in `model`."""
        return [name for name, service in self.names.listed() if key.lists(service.name)]
