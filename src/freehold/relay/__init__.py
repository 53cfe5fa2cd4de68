# SPDX-License-Identifier: Apache-2.0
"""One answer out of several targets: the first event is in hand before the caller sees a status line."""

from freehold.relay.cutting import Run, Running
from freehold.relay.interface import BackendAnswer, Backends, Chunks, Leave, Plan
from freehold.relay.naming import another_model
from freehold.relay.open import open_reply
from freehold.relay.turns import Reply

__all__ = [
    "BackendAnswer",
    "Backends",
    "Chunks",
    "Leave",
    "Plan",
    "Reply",
    "Run",
    "Running",
    "another_model",
    "open_reply",
]
