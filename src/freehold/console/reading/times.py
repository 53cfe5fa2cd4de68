# SPDX-License-Identifier: Apache-2.0
"""Hours as they are typed into a browser, which knows no zones: they are UTC, as the forms say."""


def with_zone(at: str) -> str:
    """A browser's ``2026-06-12T21:21`` as RFC 3339. What has a zone already is left as it is."""
    if not at or at.endswith("Z") or "+" in at:
        return at
    return f"{at}:00Z" if at.count(":") == 1 else f"{at}Z"
