# SPDX-License-Identifier: Apache-2.0
"""Evidence on paper: a page of HTML that was made here, set as a PDF that says the same, in the same order."""

from freehold.assess.evidence.pdf.reading import read_page
from freehold.assess.evidence.pdf.setting import write_pdf

__all__ = ["read_page", "write_pdf"]
