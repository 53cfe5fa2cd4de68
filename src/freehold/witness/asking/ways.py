# SPDX-License-Identifier: Apache-2.0
"""The way to one witness: its two requests (c2sp.org/tlog-witness), through egress, under a grant."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from freehold.contract.grant import Permit
from freehold.egress.errand import ErrandWay, Reply
from freehold.settings import Settings
from freehold.signing.cosignature import Cosigner, parse_cosigner

_MAX_ANSWER_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownWitness:
    """A witness of this estate, by the name that freehold.toml has for it."""

    name: str
    vkey: str
    url: str
    monitor_url: str
    answer_s: float
    tls_ca: str = ""

    @property
    def cosigner(self) -> Cosigner:
        return parse_cosigner(self.vkey)


class Way(Protocol):
    """The way to one witness. Both requests raise EgressDenied and ContactFailed."""

    @property
    def witness(self) -> KnownWitness: ...

    async def add_checkpoint(self, body: bytes) -> Reply:
        """§add-checkpoint."""
        ...

    async def checkpoint(self, origin: str) -> Reply:
        """§Monitor Retrieval Mechanism."""
        ...

    async def close(self) -> None: ...


class WitnessWay:
    """The real one: connections that are kept."""

    def __init__(self, witness: KnownWitness, permit: Permit, folder: Path) -> None:
        """``folder``: where the name of an authority's file starts."""
        tls_ca = folder / witness.tls_ca if witness.tls_ca else None
        self._witness = witness
        self._submission = ErrandWay(witness.url, permit, tls_ca=tls_ca)
        self._monitoring = ErrandWay(witness.monitor_url, permit, tls_ca=tls_ca)

    @property
    def witness(self) -> KnownWitness:
        return self._witness

    async def add_checkpoint(self, body: bytes) -> Reply:
        return await self._submission.ask(
            "POST", "/add-checkpoint", body, limit_bytes=_MAX_ANSWER_BYTES, timeout_s=self._witness.answer_s
        )

    async def checkpoint(self, origin: str) -> Reply:
        path = f"/{hashlib.sha256(origin.encode()).hexdigest()}/checkpoint"
        return await self._monitoring.ask("GET", path, limit_bytes=_MAX_ANSWER_BYTES, timeout_s=self._witness.answer_s)

    async def close(self) -> None:
        await self._submission.close()
        await self._monitoring.close()


def known_witnesses(settings: Settings) -> Mapping[str, KnownWitness]:
    """Those of freehold.toml, by name."""
    return {
        name: KnownWitness(
            name=name,
            vkey=section.vkey,
            url=section.url,
            monitor_url=section.monitor_url or section.url,
            answer_s=section.answer_s,
            tls_ca=section.tls_ca,
        )
        for name, section in settings.witnesses.items()
    }
