# SPDX-License-Identifier: Apache-2.0
"""The document is a sound OpenAPI 3.1 document, whole, and its patterns are such that others can read them."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from freehold.admin.openapi import document
from freehold.admin.routes import ROUTES


@pytest.fixture(scope="module")
def told() -> Any:
    return json.loads(msgspec.json.encode(document(ROUTES)))


def test_it_is_valid(told: Any) -> None:
    OpenAPIV31SpecValidator(told).validate()


def test_every_operation_is_in_it_with_a_name_of_its_own_and_what_it_answers(told: Any) -> None:
    names = []
    for route in ROUTES:
        operation = told["paths"][f"/{route.path.replace('...}', '}')}"][route.method.lower()]
        names.append(operation["operationId"])
        assert {"200", "default"} <= operation["responses"].keys()
        (content,) = operation["responses"]["200"]["content"].values()
        assert content["schema"]
    assert len(set(names)) == len(names)


def test_what_a_path_names_is_a_parameter_and_what_is_done_has_a_body(told: Any) -> None:
    operation = told["paths"]["/targets/{name}/withdraw"]["post"]
    assert [one["name"] for one in operation["parameters"]] == ["name", "If-Match"]
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    assert (set(body["properties"]), body["required"]) == ({"reason", "dry_run"}, ["reason"])


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_schema_can_be_used(route: Any, told: Any) -> None:
    operation = told["paths"][f"/{route.path.replace('...}', '}')}"][route.method.lower()]
    (content,) = operation["responses"]["200"]["content"].values()
    jsonschema_rs.validator_for({**content["schema"], "components": told["components"]})


def test_patterns_are_those_of_ecma(told: Any) -> None:
    found = list(_patterns(told))
    assert found
    for pattern in found:
        assert not re.search(r"\\[AZz]|\(\?[P<(]", pattern), pattern


def _patterns(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(pattern := value.get("pattern"), str):
            yield pattern
        for inner in value.values():
            yield from _patterns(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _patterns(inner)
