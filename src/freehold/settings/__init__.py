# SPDX-License-Identifier: Apache-2.0
"""freehold.toml: read once, typed. An unknown key, a wrong type or a name that leads nowhere stops the start."""

from freehold.settings.reading import NAMED_TABLES, TABLES, blame, parse_settings, read_settings
from freehold.settings.sections import (
    DataClassName,
    EngineTargetSection,
    GatewaySection,
    GrantSection,
    ListenSection,
    ProviderSection,
    ProviderTargetSection,
    Section,
    ServiceSection,
    Settings,
    TargetSection,
    TrustSection,
    WitnessSection,
)

__all__ = [
    "read_settings",
    "parse_settings",
    "blame",
    "TABLES",
    "NAMED_TABLES",
    "Section",
    "WitnessSection",
    "DataClassName",
    "EngineTargetSection",
    "GatewaySection",
    "GrantSection",
    "ListenSection",
    "ProviderSection",
    "ProviderTargetSection",
    "ServiceSection",
    "Settings",
    "TargetSection",
    "TrustSection",
]
