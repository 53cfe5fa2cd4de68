# SPDX-License-Identifier: Apache-2.0
"""One package that a manifest or a lock file names."""

from dataclasses import dataclass
from typing import Literal

Ecosystem = Literal["pypi", "npm", "go", "maven", "nuget", "gem", "crates", "composer"]


@dataclass(frozen=True, slots=True)
class Declared:
    """A package, and the line on which it is named. Of Maven: ``group:artifact``."""

    line: int
    ecosystem: Ecosystem
    name: str
