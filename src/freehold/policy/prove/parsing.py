# SPDX-License-Identifier: Apache-2.0
"""The condition of a claim, as Cedar has it. Rules are read by ``policy/cedar.py``."""

from typing import Final

import cedarpy
from cedarpy import pst

_ALONE: Final = "policy0"  # what Cedar calls the first rule of a text


def as_rule(condition: str) -> str:
    """A rule that permits whatever the condition is true of."""
    return f"permit(principal, action, resource) when {{ {condition} }};"


def parse_condition(condition: str) -> pst.Expr:
    """The tree of one condition. Raises ValueError if it is not Cedar."""
    (clause,) = cedarpy.policies_to_pst(as_rule(condition)).static_policies[_ALONE].clauses
    return clause.expr
