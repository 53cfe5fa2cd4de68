# SPDX-License-Identifier: Apache-2.0
"""Spans as an ``ExportTraceServiceRequest`` in OTLP's JSON encoding, and what a receiver answers to it. Pure.

As OTLP 1.x has it: ids in hex, names of fields in lowerCamelCase, enumerations as numbers, 64-bit numbers as strings.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from freehold import __version__
from freehold.signals import semconv
from freehold.signals.span import Attributes, Happening, Span, Value

PATH: Final = "/v1/traces"

_ERROR: Final = 2  # STATUS_CODE_ERROR
_encoder: Final = msgspec.json.Encoder()


class _Partial(msgspec.Struct, rename="camel"):
    rejected_spans: int | str = 0  # a 64-bit number: some write it as one, and it should be a string


class _Answer(msgspec.Struct, rename="camel"):
    partial_success: _Partial | None = None


_answers: Final = msgspec.json.Decoder(_Answer)


def encode(spans: Iterable[Span], *, origin: str, instance: str) -> bytes:
    """One request with all of them. ``origin`` names the estate, ``instance`` the gateway."""
    resource = {
        semconv.SERVICE_NAME: "freehold",
        semconv.SERVICE_VERSION: __version__,
        semconv.SERVICE_INSTANCE: instance,
        "freehold.origin": origin,
    }
    scope = {"scope": {"name": "freehold", "version": __version__}, "spans": [_span(span) for span in spans]}
    return _encoder.encode(
        {
            "resourceSpans": [
                {
                    "resource": {"attributes": _attributes(resource)},
                    "scopeSpans": [scope | {"schemaUrl": semconv.SCHEMA_URL}],
                    "schemaUrl": semconv.SCHEMA_URL,
                }
            ]
        }
    )


def rejected(body: bytes) -> int:
    """How many spans the receiver says that it did not take. What cannot be read says nothing of that."""
    try:
        answer = _answers.decode(body)
        return max(0, int(answer.partial_success.rejected_spans)) if answer.partial_success else 0
    except (msgspec.MsgspecError, ValueError):
        return 0


def _span(span: Span) -> dict[str, Any]:
    encoded: dict[str, Any] = {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "name": span.name,
        "kind": int(span.kind),
        "startTimeUnixNano": str(span.began_ns),
        "endTimeUnixNano": str(span.ended_ns),
        "attributes": _attributes(span.attributes),
    }
    if span.parent_id:
        encoded["parentSpanId"] = span.parent_id
    if span.happened:
        encoded["events"] = [_event(happening) for happening in span.happened]
    if span.error:
        encoded["status"] = {"code": _ERROR}
    return encoded


def _event(happening: Happening) -> dict[str, Any]:
    return {
        "timeUnixNano": str(happening.at_ns),
        "name": happening.name,
        "attributes": _attributes(happening.attributes),
    }


def _attributes(attributes: Attributes) -> list[dict[str, Any]]:
    return [{"key": name, "value": _value(value)} for name, value in attributes.items()]


def _value(value: Value) -> dict[str, str | float]:
    if isinstance(value, str):
        return {"stringValue": value}
    return {"intValue": str(value)} if isinstance(value, int) else {"doubleValue": value}
