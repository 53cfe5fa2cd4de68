# SPDX-License-Identifier: Apache-2.0
"""Who answers? Names to services, services to targets in order. Pure over a snapshot."""
