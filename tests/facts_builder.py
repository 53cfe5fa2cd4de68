# SPDX-License-Identifier: Apache-2.0
"""Small files of facts for tests. JSON is YAML too, so that they are built from plain values."""

import json
from datetime import date
from typing import Any

from freehold.contract.facts import BackendFacts
from freehold.policy.facts import Register, backend_facts, build_register

TODAY = date(2026, 11, 22)
Value = dict[str, Any]


def said(confidence: str = "confirmed", **what: object) -> Value:
    """A fact. A test that is not about sources needs none of its own."""
    return {"source": "https://example.org/source", "as_of": "2026-11-01", "confidence": confidence, **what}


def owner(organisation: str, share: str = "majority", confidence: str = "confirmed", **more: object) -> Value:
    return said(confidence, organisation=organisation, share=share, **more)


def organisation(
    seat: str, *owners: Value, complete: str = "yes", confidence: str = "confirmed", **more: object
) -> Value:
    """One whose owners are known, unless it is said otherwise."""
    return said(confidence, name=f"of {seat}", seat=seat, owners=said(complete=complete, listed=list(owners)), **more)


def provider(by: str | None = "operator", **more: object) -> Value:
    """One of which everything is known, but for what a test takes away."""
    known = {
        "name": "Example API",
        "operator": said(organisation=by) if by else None,
        "sub_processors": said(complete="yes", listed=[]),
        "locations": said(states=["FR"], complete="yes"),
        "retention": said(days=30),
        "training": said(trains="no"),
        **more,
    }
    return said() | {name: value for name, value in known.items() if value is not None}


def text(**tables: Value) -> str:
    return json.dumps(tables)


def register(shipped: Value, own: Value | None = None) -> Register:
    """From tables by kind: the facts of a release, and those of an estate."""
    return build_register([("shipped.yaml", text(**shipped))], [("own.yaml", text(**own))] if own else [])


def facts(shipped: Value, own: Value | None = None, *, name: str = "example", today: date = TODAY) -> BackendFacts:
    return backend_facts(register(shipped, own), name, today=today)
