# SPDX-License-Identifier: Apache-2.0
"""The admin API as an OpenAPI 3.1 document, made of the table of routes: what is not in the table is not in it."""

import functools
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from freehold import __version__
from freehold.admin.interface import Progress
from freehold.admin.problems import MEDIA_TYPE
from freehold.admin.requests import Page, Request
from freehold.admin.route import ROOT, Route
from freehold.admin.shapes.common import Problem

JsonObject = dict[str, Any]

_REFERENCE = "#/components/schemas/{name}"
_ABOUT = """Everything that can be done to an estate. Lists are in pages (limit, cursor, Link). What two operators may
decide about at once has an etag: sent back as If-Match, the decision is refused with 412 where it is not any more what
was shown."""


@functools.cache
def document(routes: tuple[Route, ...]) -> Mapping[str, object]:
    """The whole document."""
    kinds = [*_requests(routes), *_answers(routes), Problem, Progress]
    found, components = msgspec.json.schema_components(kinds, schema_hook=_anything, ref_template=_REFERENCE)
    schemas = dict(zip(map(_name, kinds), found, strict=True))
    for kind in kinds:
        if not (isinstance(kind, type) and issubclass(kind, Request)):
            components.get(_name(kind), {}).pop("additionalProperties", None)  # an answer may tell more one day
    paths: dict[str, JsonObject] = {}
    for route in routes:
        path = paths.setdefault(f"/{route.path.replace('...}', '}')}", {})
        path[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Freehold admin API", "version": __version__, "description": _ABOUT},
        "servers": [{"url": ROOT.rstrip("/")}],
        "security": [{"operator": []}, {"session": []}],
        "paths": _in_ecma(paths),
        "components": {"schemas": _in_ecma(components), "securitySchemes": _SECURITY},
    }


_SECURITY: JsonObject = {
    "operator": {
        "type": "http",
        "scheme": "bearer",
        "description": "An operator's token. The control socket needs none.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "freehold-8081",
        "description": "The console's session, named for the port. What is no GET shows X-Freehold-CSRF, too.",
    },
}


def _anything(kind: type) -> JsonObject:
    """Of what is any JSON at all."""
    if kind is object:
        return {"description": "Any JSON."}
    raise NotImplementedError


def _requests(routes: Iterable[Route]) -> list[type[Request]]:
    return list(dict.fromkeys(route.request for route in routes))


def _answers(routes: Iterable[Route]) -> list[Any]:
    return list(dict.fromkeys(route.gives for route in routes if route.gives is not None))


def _name(kind: Any) -> str:
    return getattr(kind, "__name__", str(kind))


def _in_ecma(value: Any) -> Any:
    """The same with patterns as ECMA-262 has them, where ``$`` alone is the end of a text."""
    if isinstance(value, dict):
        return {
            name: inner.removesuffix(r"\Z") + "$"
            if name == "pattern" and isinstance(inner, str) and inner.endswith(r"\Z")
            else _in_ecma(inner)
            for name, inner in value.items()
        }
    return [_in_ecma(inner) for inner in value] if isinstance(value, list) else value


def _operation(route: Route, schemas: Mapping[str, JsonObject]) -> JsonObject:
    fields = {field.name: field for field in msgspec.structs.fields(route.request)}
    in_path = [part.strip("{.}") for part in route.path.split("/") if part.startswith("{")]
    operation: JsonObject = {
        "operationId": _operation_id(route),
        "tags": [route.path.split("/")[0]],
        "parameters": [_parameter(route, name, "path") for name in in_path],
        "responses": {"200": _answered(route, schemas), "default": _refused()},
    }
    rest = [field for field in fields.values() if field.name not in in_path]
    if route.method == "GET":
        operation["parameters"] += [_parameter(route, field.encode_name, "query") for field in rest]
        operation["parameters"].append(_header("If-None-Match"))
        operation["responses"]["304"] = {"description": "It is what it was."}
    elif rest:
        operation["requestBody"] = _body(route, {field.encode_name for field in rest})
    if route.guard is not None:
        operation["parameters"].append(_header("If-Match"))
        operation["responses"]["412"] = _refused("It is not any more what was shown.")
    if route.path == "health":
        operation["security"] = []
    return operation


def _operation_id(route: Route) -> str:
    """``post_keys_by_id_revoke``."""
    parts = (f"by_{part.strip('{.}')}" if part.startswith("{") else part for part in route.path.split("/"))
    return "_".join([route.method.lower(), *parts]).replace(".", "_")


def _parameter(route: Route, name: str, place: str) -> JsonObject:
    schema = dict(_properties(route)[name])
    default = schema.pop("default", None)
    parameter: JsonObject = {"name": name, "in": place, "schema": schema}
    if place == "path":
        parameter["required"] = True
    elif default not in (None, [], ""):
        schema["default"] = default
    return parameter


def _header(name: str) -> JsonObject:
    return {"name": name, "in": "header", "schema": {"type": "string"}}


def _body(route: Route, names: set[str]) -> JsonObject:
    """The request without what stands in the path."""
    whole = _schema(route)
    properties = {name: schema for name, schema in whole["properties"].items() if name in names}
    required = [name for name in whole.get("required", []) if name in names]
    schema: JsonObject = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        schema["required"] = required
    return {"required": bool(required), "content": {"application/json": {"schema": schema}}}


@functools.cache
def _schema(route: Route) -> JsonObject:
    """The request's own schema, whole."""
    _, components = msgspec.json.schema_components([route.request], schema_hook=_anything, ref_template=_REFERENCE)
    schema: JsonObject = components[route.request.__name__]
    return schema


def _properties(route: Route) -> JsonObject:
    properties: JsonObject = _schema(route)["properties"]
    return properties


def _answered(route: Route, schemas: Mapping[str, JsonObject]) -> JsonObject:
    if route.gives is None:
        return {"description": "A file.", "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}
    schema = schemas[_name(route.gives)]
    if route.long:
        return {"description": "Lines of JSON.", "content": {"application/x-ndjson": {"schema": _line(schema)}}}
    headers: JsonObject = {}
    if route.method == "GET":
        headers["ETag"] = {"schema": {"type": "string"}}
    if issubclass(route.request, Page):
        headers["Link"] = {"schema": {"type": "string"}, "description": "The next page, where there is one."}
    answer: JsonObject = {"description": "Done.", "content": {"application/json": {"schema": schema}}}
    return {**answer, "headers": headers} if headers else answer


def _line(result: JsonObject) -> JsonObject:
    """One line: any number of the first, then one of the others."""
    words = {
        "progress": {"$ref": _REFERENCE.format(name="Progress")},
        "result": result,
        "error": {"$ref": _REFERENCE.format(name="Problem")},
    }
    return {
        "oneOf": [
            {"type": "object", "properties": {word: schema}, "required": [word], "additionalProperties": False}
            for word, schema in words.items()
        ]
    }


def _refused(description: str = "It was not done: problem details, RFC 9457.") -> JsonObject:
    schema = {"$ref": _REFERENCE.format(name="Problem")}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}
