# SPDX-License-Identifier: Apache-2.0
"""The EU Cloud Sovereignty Framework: 48 criteria, eight objectives, a score, and the SEAL floor beside it.

Criteria and weights are data with sources (``criteria.yaml``, ``profiles.yaml``). All else here is pure.
"""

from freehold.assess.evidence.csf.framework import Framework, load_framework
from freehold.assess.evidence.csf.page import write_page
from freehold.assess.evidence.csf.report import Report, assess

__all__ = ["Framework", "Report", "assess", "load_framework", "write_page"]
