# SPDX-License-Identifier: Apache-2.0
"""Under which licence a model is: what its files say, held against the texts of licences and against the facts."""

from freehold.vault.inspect.licences.judge import judge_licence
from freehold.vault.inspect.licences.statements import Statement, of_gguf, of_metadata, of_readme, of_text

__all__ = ["Statement", "judge_licence", "of_gguf", "of_metadata", "of_readme", "of_text"]
