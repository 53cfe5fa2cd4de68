# SPDX-License-Identifier: Apache-2.0
"""The evidence pack: every report with what it rests on, receipts and checkpoints, in one signed archive.

docs/reference/pack-format.md has its form, which ``verify/form`` reads and writes.
"""

from freehold.assess.evidence.pack.closing import Closing, close
from freehold.assess.evidence.pack.draft import Draft, Wanted, draft

__all__ = ["Closing", "Draft", "Wanted", "close", "draft"]
