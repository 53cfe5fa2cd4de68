# SPDX-License-Identifier: Apache-2.0
"""All configuration that a call needs, published whole by the control process and swapped whole by the gateways."""

from dataclasses import dataclass, field

from freehold.contract.backend import Service, Target
from freehold.contract.call import DataClass
from freehold.contract.drill import Drill
from freehold.contract.endpoint import Endpoint
from freehold.contract.law import Law
from freehold.contract.signals import Signals
from freehold.contract.standing import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as the gateway knows it: never the secret, only its SHA-256 in hex."""

    id: str
    secret_sha256: str
    services: tuple[str, ...]  # names, or ("*",) for every service
    requests_per_minute: int
    data_class: DataClass = DataClass.PUBLIC
    expires_at_unix: float = 0.0  # 0: never
    drill: str = ""  # the drill whose calls it makes; empty: it is no drill's
    pins_target: bool = False  # whether its calls name the one target that may answer: the estate's own, for acceptance

    def lists(self, service: str) -> bool:
        """Whether the key may name the service. What may then see the call is the policy's to say."""
        return "*" in self.services or service in self.services


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What one gateway process takes on, and how long it has patience with its callers."""

    calls: int = 2048  # at work at once
    waiting: int = 512  # calls that wait until one of those is over
    wait_s: float = 0.5  # after which such a call is turned away
    held_bytes: int = 1024 * 2**20  # of the requests at work
    body_s: float = 60.0  # in which a request's body must have come
    taking_s: float = 60.0  # in which a caller must take what waits of an answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One version of the estate's configuration. ``version`` grows by one with every change."""

    version: int
    services: tuple[Service, ...] = ()
    targets: tuple[Target, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()  # one for each provider that a target uses
    standings: tuple[Standing, ...] = ()  # of the targets that are not active
    keys: tuple[ApiKey, ...] = ()
    law: Law = field(default_factory=Law)
    drill: Drill | None = None  # the one that is being run
    detector: str = ""  # what looks for personal data in the texts of calls; empty: nothing does
    detector_class: DataClass = DataClass.PERSONAL  # at least that of calls in which it finds any
    max_body_bytes: int = field(default=32 * 2**20)
    capacity: Capacity = field(default_factory=Capacity)
    signals: Signals = field(default_factory=Signals)
