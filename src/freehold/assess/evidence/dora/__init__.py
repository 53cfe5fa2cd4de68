# SPDX-License-Identifier: Apache-2.0
"""DORA: the estate's entries in the register of information, on whom it leans, and a plan to leave each provider."""

from freehold.assess.evidence.dora.layout import Layout, load_layout
from freehold.assess.evidence.dora.leaning import Leaning, leaning
from freehold.assess.evidence.dora.plan import plan, write_plan
from freehold.assess.evidence.dora.register import Entries, fill, subject_of_column, write_csv

__all__ = [
    "Entries",
    "Layout",
    "Leaning",
    "fill",
    "leaning",
    "load_layout",
    "plan",
    "subject_of_column",
    "write_csv",
    "write_plan",
]
