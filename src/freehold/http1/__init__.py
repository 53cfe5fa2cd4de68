# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 as bytes: heads and bodies of messages, read strictly, and written. Pure; it opens nothing."""

from freehold.http1.bodies import CHUNK, Body, ChunkedBody, SizedBody, UntilClosed, body_of_request, body_of_response
from freehold.http1.heads import (
    BARE_LF,
    HEAD_BYTES,
    LAST_CHUNK,
    NotHttp,
    RequestHead,
    RequestHeads,
    ResponseHead,
    read_request_head,
    read_response_head,
    request_head,
    response_head,
)

__all__ = [
    "BARE_LF",
    "CHUNK",
    "HEAD_BYTES",
    "LAST_CHUNK",
    "Body",
    "ChunkedBody",
    "NotHttp",
    "RequestHead",
    "RequestHeads",
    "ResponseHead",
    "SizedBody",
    "UntilClosed",
    "body_of_request",
    "body_of_response",
    "read_request_head",
    "read_response_head",
    "request_head",
    "response_head",
]
