# SPDX-License-Identifier: Apache-2.0
"""May they? Decides every target of a call, before a byte leaves. Pure over a snapshot."""

from freehold.policy.decide import Policy

__all__ = ["Policy"]
