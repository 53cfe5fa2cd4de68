# SPDX-License-Identifier: Apache-2.0
"""Every endpoint, public and admin, is in its reference page, and every header that answers carry."""

from collections.abc import Mapping

import msgspec
import pytest
from tests.docs.pages import Page

from freehold.admin.routes import ROOT, ROUTES, Route
from freehold.api.doors import DOORS, HEALTH, MODELS, READY, RECEIPTS

PUBLIC = "docs/reference/api.md"
ADMIN = "docs/reference/admin-api.md"
ENDPOINTS = [
    *(f"POST {path}" for path in DOORS),
    f"GET {MODELS}",
    f"GET {MODELS}/{{id}}",
    f"GET {RECEIPTS}{{origin}}/{{index}}",
    f"GET {HEALTH}",
    f"GET {READY}",
]
HEADERS = [
    "Freehold-Receipt",
    "Freehold-Target",
    "Freehold-Decision",
    "Freehold-Data-Class",
    "Freehold-Dropped",
    "Freehold-Show-Seam",
    "x-request-id",
    "request-id",
    "Retry-After",
]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_every_public_endpoint_has_its_section(endpoint: str, pages: Mapping[str, Page]) -> None:
    assert f"`{endpoint}`" in pages[PUBLIC].headings, f"{PUBLIC} lacks a section '### `{endpoint}`'"


def test_no_public_endpoint_is_told_that_does_not_exist(pages: Mapping[str, Page]) -> None:
    told = {heading for heading in pages[PUBLIC].headings if heading.startswith(("`GET ", "`POST "))}
    unknown = told - {f"`{endpoint}`" for endpoint in ENDPOINTS}
    assert not unknown, f"{PUBLIC} tells {', '.join(unknown)}, which src/freehold/api/doors.py does not know"


@pytest.mark.parametrize("header", HEADERS)
def test_every_header_is_told(header: str, pages: Mapping[str, Page]) -> None:
    assert f"`{header}`" in pages[PUBLIC].prose, f"{PUBLIC} does not tell the header `{header}`"


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_admin_endpoint_is_told_with_its_fields(route: Route, pages: Mapping[str, Page]) -> None:
    text = pages[ADMIN].text
    assert f"{route.method} {ROOT}{route.path}" in text, f"{ADMIN} does not tell {route.method} {ROOT}{route.path}"
    for field in msgspec.structs.fields(route.request):
        assert f"`{field.encode_name}`" in text, (
            f"{ADMIN} does not tell the field `{field.encode_name}` of {route.method} {route.path}"
        )
