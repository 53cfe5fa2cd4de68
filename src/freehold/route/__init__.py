# SPDX-License-Identifier: Apache-2.0
"""Who answers? Names to services, services to targets in order. Pure over a snapshot."""

from freehold.route.names import Names
from freehold.route.order import order
from freehold.route.outage import Outages
from freehold.route.ready import unready

__all__ = ["Names", "Outages", "order", "unready"]
