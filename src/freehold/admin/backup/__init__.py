# SPDX-License-Identifier: Apache-2.0
"""An estate in one file, and back: taken while it runs, restored as a copy that knows that it is one."""

from freehold.admin.backup.restoring import Restored, restore
from freehold.admin.backup.taking import Taken, require_possible, take

__all__ = ["Restored", "Taken", "require_possible", "restore", "take"]
