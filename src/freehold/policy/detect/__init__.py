# SPDX-License-Identifier: Apache-2.0
"""An optional look for personal data in the texts of calls. What it finds raises a call's data class, never lowers it.

The library that looks has a process of its own (``worker``), and nothing here loads it elsewhere.
"""

from freehold.policy.detect.detection import Detection
from freehold.policy.detect.installed import require_installed
from freehold.policy.detect.reader import Reader

__all__ = ["Detection", "Reader", "require_installed"]
