# SPDX-License-Identifier: Apache-2.0
"""The bill of materials, CycloneDX 1.7: models, engines, packages and providers. Reads files; asks nobody."""

from freehold.assess.bom.estate import bom_of_estate, bom_of_model

__all__ = ["bom_of_estate", "bom_of_model"]
