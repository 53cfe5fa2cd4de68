# SPDX-License-Identifier: Apache-2.0
"""Chat templates are code that every call runs through: read, held to an allow-list, shown, pinned. Never rendered."""

from freehold.vault.inspect.templates.places import in_document
from freehold.vault.inspect.templates.read import ChatTemplate, read_template

__all__ = ["ChatTemplate", "in_document", "read_template"]
