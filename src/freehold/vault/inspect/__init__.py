# SPDX-License-Identifier: Apache-2.0
"""What a model's files are, found out from their bytes before anything else reads them."""

from freehold.vault.inspect.findings import Finding, Severity
from freehold.vault.inspect.inspection import Inspection, Readable, inspect
from freehold.vault.inspect.templates import ChatTemplate

__all__ = ["ChatTemplate", "Finding", "Inspection", "Readable", "Severity", "inspect"]
