# SPDX-License-Identifier: Apache-2.0
"""The estate's check of itself: what a start wants of a network, packages and their owners, keys, engines."""

from freehold.assess.ourselves.kept import keep, kept_path, read_kept
from freehold.assess.ourselves.looking import look
from freehold.assess.ourselves.result import Ourselves, Start
from freehold.assess.ourselves.writing import write_report

__all__ = ["Ourselves", "Start", "keep", "kept_path", "look", "read_kept", "write_report"]
