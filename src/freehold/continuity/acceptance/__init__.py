# SPDX-License-Identifier: Apache-2.0
"""Which targets are good enough to stand in for another: cases, what their answers must keep to, and who passed."""

from freehold.continuity.acceptance.cases import CaseFile, read_cases
from freehold.continuity.acceptance.guard import require_telling
from freehold.continuity.acceptance.interface import Answer, Ask, Case, NotRun, Results, Suite, ToolCall, Verdict
from freehold.continuity.acceptance.qualification import Fitness, Qualification, Terms, fitness_of

__all__ = [
    "Answer",
    "Ask",
    "Case",
    "CaseFile",
    "NotRun",
    "Qualification",
    "Results",
    "Fitness",
    "Suite",
    "Terms",
    "ToolCall",
    "Verdict",
    "read_cases",
    "require_telling",
    "fitness_of",
]
