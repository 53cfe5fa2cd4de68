# SPDX-License-Identifier: Apache-2.0
"""What this host runs best: a model written in other formats, each measured on the very engine that would serve it."""

from freehold.tuning.choosing import BEST, NONE, objection
from freehold.tuning.formats import FORMATS
from freehold.tuning.measuring import FULL, QUICK, Measured
from freehold.tuning.tools import find_tools
from freehold.tuning.trial import TRIALS, Bench, Trial
from freehold.tuning.tune import Cases, Tuned, Tuner, Wish

__all__ = [
    "BEST",
    "FORMATS",
    "FULL",
    "NONE",
    "QUICK",
    "TRIALS",
    "Bench",
    "Cases",
    "Measured",
    "Trial",
    "Tuned",
    "Tuner",
    "Wish",
    "find_tools",
    "objection",
]
