# SPDX-License-Identifier: Apache-2.0
"""One answer out of several targets: the first event is in hand before the caller sees a status line."""

from freehold.relay.interface import BackendAnswer, Backends, Reply
from freehold.relay.open import open_reply

__all__ = ["BackendAnswer", "Backends", "Reply", "open_reply"]
