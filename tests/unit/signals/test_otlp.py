# SPDX-License-Identifier: Apache-2.0
"""Spans as OpenTelemetry's own definitions of the protocol read them, under names that its conventions have."""

import base64
import json

import pytest
from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1 import trace_pb2
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.semconv.schemas import Schemas

from freehold.signals import otlp, semconv
from freehold.signals.span import Happening, Kind, Span

SPAN = Span(
    trace_id="0af7651916cd43dd8448eb211c80319c",
    span_id="b7ad6b7169203331",
    parent_id="00f067aa0ba902b7",
    name="chat support",
    kind=Kind.SERVER,
    began_ns=1_700_000_000_123_456_789,
    ended_ns=1_700_000_001_123_456_789,
    attributes={"freehold.service": "support", "freehold.seams": 2, "freehold.time_to_first_token_s": 0.25},
    error="no_target",
    happened=(Happening(1_700_000_000_500_000_000, "freehold.target_failed", {"error.type": "provider_busy"}),),
)


def parsed(body: bytes) -> ExportTraceServiceRequest:
    """In OTLP's JSON ids are hex, which protobuf's own JSON has as base64."""
    document = json.loads(body)
    for span in document["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        for name in ("traceId", "spanId", "parentSpanId"):
            span[name] = base64.b64encode(bytes.fromhex(span.get(name, ""))).decode()
    request = ExportTraceServiceRequest()
    Parse(json.dumps(document), request)
    return request


def test_a_span_is_read_as_it_was() -> None:
    request = parsed(otlp.encode([SPAN], origin="estate.example/log", instance="gateway-1"))
    (resource,) = request.resource_spans
    assert resource.schema_url == semconv.SCHEMA_URL
    said = {one.key: one.value.string_value for one in resource.resource.attributes}
    assert (said["service.name"], said["service.instance.id"]) == ("freehold", "gateway-1")
    (span,) = resource.scope_spans[0].spans
    assert (span.trace_id.hex(), span.span_id.hex()) == (SPAN.trace_id, SPAN.span_id)
    assert span.parent_span_id.hex() == SPAN.parent_id
    assert span.kind == trace_pb2.Span.SPAN_KIND_SERVER
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (SPAN.began_ns, SPAN.ended_ns)
    assert span.status.code == trace_pb2.Status.STATUS_CODE_ERROR
    kinds = {one.key: one.value.WhichOneof("value") for one in span.attributes}
    assert kinds == {
        "freehold.service": "string_value",
        "freehold.seams": "int_value",
        "freehold.time_to_first_token_s": "double_value",
    }
    assert [event.name for event in span.events] == ["freehold.target_failed"]


@pytest.mark.parametrize(
    ("body", "rejected"),
    [
        (b"{}", 0),
        (b'{"partialSuccess":{}}', 0),
        (b'{"partialSuccess":{"rejectedSpans":"3","errorMessage":"x"}}', 3),
        (b'{"partialSuccess":{"rejectedSpans":2}}', 2),
        (b'{"partialSuccess":{"rejectedSpans":"-2"}}', 0),
        (b'{"partialSuccess":{"rejectedSpans":"many"}}', 0),
        (b"<html>", 0),
        (b"\xff\xfe", 0),
    ],
)
def test_what_a_receiver_says_is_read_and_believed_no_further(body: bytes, rejected: int) -> None:
    assert otlp.rejected(body) == rejected


def test_the_names_are_those_of_the_conventions_whose_version_is_sent() -> None:
    known = {
        value
        for name, value in vars(gen_ai_attributes).items()
        if name.startswith("GEN_AI_") and isinstance(value, str)
    }
    ours = {value for value in vars(semconv).values() if isinstance(value, str) and value.startswith("gen_ai.")}
    assert ours
    assert ours <= known
    assert semconv.SCHEMA_URL in {schema.value for schema in Schemas}


def test_the_values_of_the_conventions_are_theirs() -> None:
    operations = {one.value for one in gen_ai_attributes.GenAiOperationNameValues} | {"count_tokens"}
    assert set(semconv.OPERATIONS.values()) <= operations
    providers = {one.value for one in gen_ai_attributes.GenAiProviderNameValues}
    for operator in ("openai", "anthropic", "mistral", "azure-openai", "aws-bedrock", "google", "xai", "cohere"):
        assert semconv.provider_name(operator) in providers
    assert semconv.provider_name("self") not in providers


def test_no_attribute_is_one_that_holds_content() -> None:
    ours = {value for name, value in vars(semconv).items() if name.isupper() and isinstance(value, str)}
    assert not [name for name in ours if any(word in name for word in ("message", "prompt", "instruction", "tool"))]
