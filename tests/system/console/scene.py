# SPDX-License-Identifier: Apache-2.0
"""The estate of the browser's tests and of the screenshots: an engine, simulated providers, and an operator."""

from dataclasses import dataclass
from typing import Any

from tests.simulator.server import Simulator
from tests.system import foreign
from tests.system.estates import Estate
from tests.system.wire import CHAT, Answer, post

FIRST, SECOND, OWN = "anthropic.sim-tale", "mistral.sim-tale", "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Somebody who may sign in."""

    id: str
    token: str


def furnish(estate: Estate, simulator: Simulator) -> None:
    """Services over both providers and the engine, before it is up."""
    foreign.tell(estate, simulator, foreign.ANTHROPIC, foreign.MISTRAL, foreign.OPENAI)
    personal = 'data_class = "personal"'
    foreign.serve(estate, "support", "anthropic/sim-tale", "mistral/sim-tale", OWN, settings=(personal,))
    foreign.serve(estate, "research", "mistral/sim-tale", OWN, settings=('data_class = "internal"',))
    foreign.serve(
        estate, "press", "anthropic/sim-text", settings=('data_class = "public"',)
    )  # beside a model that is gone
    foreign.serve(estate, "echo", "openai/sim-echo", settings=('data_class = "public"',))


def operator(estate: Estate, label: str = "Jeanne, on call") -> Operator:
    made = estate.ask("operator", "create", label)["operator"]
    return Operator(id=made["id"], token=made["token"])


def call(
    estate: Estate, service: str = "support", text: str = "What is a freehold?", *, key: str | None = None, **more: Any
) -> Answer:
    """One answer, whole. ``more`` of the request, such as ``stream``."""
    asked = {"model": service, "messages": [{"role": "user", "content": text}], "max_tokens": 24, "temperature": 0}
    return post(estate, CHAT, {**asked, **more}, key=key)
