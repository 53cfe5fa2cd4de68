# SPDX-License-Identifier: Apache-2.0
"""Somebody else's APIs: where they lie, how they are asked, and what their answers and faults mean."""

from freehold.provider.client import Provided, Providers
from freehold.provider.endpoints import endpoints_of

__all__ = ["Provided", "Providers", "endpoints_of"]
