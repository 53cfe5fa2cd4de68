# SPDX-License-Identifier: Apache-2.0
"""Whether an estate's configuration can be served with no way out. Reads settings only."""

from freehold.errors import EgressDenied
from freehold.settings import Settings


def require_owned(settings: Settings) -> None:
    """Raises EgressDenied naming the services that only a provider could answer for."""
    engines = settings.engines.keys()
    foreign = [name for name, service in settings.services.items() if engines.isdisjoint(service.targets)]
    if foreign:
        raise EgressDenied(
            f"a sealed estate asks no provider, and these services have no target of its own: {', '.join(foreign)}",
            hint="Give each a target with an engine, or start without --sealed.",
        )
