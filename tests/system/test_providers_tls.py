# SPDX-License-Identifier: Apache-2.0
"""A provider behind TLS: only one whose certificate is for its host, signed by who the estate trusts, gets a call."""

import shutil
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.provider_builder import certificate
from tests.simulator.running import in_a_thread
from tests.simulator.server import Simulator
from tests.system import foreign
from tests.system.estates import Estate
from tests.system.simulated import ASK
from tests.system.wire import CHAT, post


@dataclass(frozen=True, slots=True)
class Secured:
    """A simulator behind TLS, and who signed its certificate."""

    simulator: Simulator
    authority: Path


@pytest.fixture(params=["127.0.0.1", "provider.test"], ids=["its-host", "another-host"])
def secured(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[bool, Secured]]:
    """Whether the certificate is for the simulator's host."""
    authority, chain, key = certificate(tmp_path, request.param)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(chain, key)
    with in_a_thread(Simulator(tls=tls)) as running:
        yield request.param == "127.0.0.1", Secured(running, authority)


def test_a_certificate_must_be_for_the_host_and_of_a_trusted_authority(
    secured: tuple[bool, Secured], tmp_path: Path
) -> None:
    is_its_own, behind = secured
    house = Estate(tmp_path / "estate")
    trusting = replace(foreign.OPENAI, name="trusting", scheme="https", settings=('tls_ca = "ca.pem"',))
    doubting = replace(foreign.OPENAI, name="doubting", scheme="https")
    try:
        foreign.found(house, behind.simulator, trusting, doubting)
        shutil.copy(behind.authority, house.files / "ca.pem")
        for name in ("trusting", "doubting"):
            foreign.serve(house, name, name)
        house.up()
        assert post(house, CHAT, {"model": "trusting", "messages": ASK}).status == (200 if is_its_own else 503)
        doubted = post(house, CHAT, {"model": "doubting", "messages": ASK})
        assert doubted.status == 503
        assert "certificate" in doubted.json["error"]["message"]
        assert len(behind.simulator.requests) == int(is_its_own)
    finally:
        house.destroy()
