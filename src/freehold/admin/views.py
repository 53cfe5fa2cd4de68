# SPDX-License-Identifier: Apache-2.0
"""How the estate's things look to whoever administers it: plain values for JSON. Never a secret, never its digest."""

from collections.abc import Iterable
from datetime import UTC, datetime

from freehold.admin.etags import with_etag
from freehold.admin.keys import KeyRecord, OperatorRecord

View = dict[str, object]


def instant(at_unix: float) -> str | None:
    """RFC 3339 in UTC, to the second; None for 0, which stands for never."""
    return f"{datetime.fromtimestamp(at_unix, UTC):%Y-%m-%dT%H:%M:%SZ}" if at_unix else None


def key_views(keys: Iterable[KeyRecord], now_unix: float) -> list[View]:
    return [key_view(key, now_unix) for key in keys]


def key_view(key: KeyRecord, now_unix: float) -> View:
    view: View = {
        "id": key.id,
        "label": key.label,
        "state": key.standing(now_unix),
        "services": key.services,
        "requests_per_minute": key.requests_per_minute or None,
        "data_class": key.data_class.name.lower(),
        "created": instant(key.created_unix),
        "expires": instant(key.expires_unix),
        "revoked": instant(key.revoked_unix),
    }
    return with_etag(view, "label")


def operator_views(operators: Iterable[OperatorRecord]) -> list[View]:
    return [operator_view(operator) for operator in operators]


def operator_view(operator: OperatorRecord) -> View:
    view: View = {
        "id": operator.id,
        "label": operator.label,
        "state": operator.standing,
        "created": instant(operator.created_unix),
        "revoked": instant(operator.revoked_unix),
    }
    return with_etag(view, "label")
