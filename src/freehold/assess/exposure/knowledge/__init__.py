# SPDX-License-Identifier: Apache-2.0
"""What betrays a dependency on an AI provider, as data: each rule with its provider, confidence and source.

The files are read strictly: an unknown key is a bug of this release. Who runs a provider, and which states can compel
them, is not here but in the register (``policy/facts``).
"""

from freehold.assess.exposure.knowledge.groups import ECOSYSTEMS, Certainty, Kind, Rule
from freehold.assess.exposure.knowledge.known import Knowledge, load_knowledge

__all__ = ["ECOSYSTEMS", "Certainty", "Kind", "Knowledge", "Rule", "load_knowledge"]
