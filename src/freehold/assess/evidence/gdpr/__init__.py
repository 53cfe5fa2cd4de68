# SPDX-License-Identifier: Apache-2.0
"""The GDPR: a record of processing, transfers with their mechanism and its age, and the erasures that were done.

Questions are data with sources (``questions.yaml``). All else here is pure.
"""

from freehold.assess.evidence.gdpr.asking import Questions, load_questions
from freehold.assess.evidence.gdpr.report import Report, assess
from freehold.assess.evidence.gdpr.writing import write_report

__all__ = ["Questions", "Report", "assess", "load_questions", "write_report"]
