# SPDX-License-Identifier: Apache-2.0
"""The AI Act: which duties apply to an estate and from when, tuning against the one-third guideline, and its records.

Duties and dates are data with sources (``rules.yaml``). All else here is pure.
"""

from freehold.assess.evidence.ai_act.report import Report, assess
from freehold.assess.evidence.ai_act.rules import Rules, load_rules
from freehold.assess.evidence.ai_act.writing import write_report

__all__ = ["Report", "Rules", "assess", "load_rules", "write_report"]
