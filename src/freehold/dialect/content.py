# SPDX-License-Identifier: Apache-2.0
"""What of a message a text model can read, and the messages of the two dialects that the chat wire is made after."""

from collections.abc import Collection
from typing import Any

import msgspec

from freehold.dialect.fields import Fields, present

_ROLES = ("system", "developer", "user", "assistant", "tool")


def text_of(
    fields: Fields, name: str, *, joint: str = "\n", reads: Collection[str] = ("text",), skips: Collection[str] = ()
) -> str | None:
    """The text of a string or a list of content parts. Raises Unsupported naming the part that is not text."""
    value = fields.get(name)
    if value is None or isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise fields.invalid(name, "a string or a list of content parts")
    texts = []
    for index, part in enumerate(fields.each(name)):
        kind = part.need_text("type")
        if kind in skips:
            continue
        if kind not in reads:
            raise fields.unsupported(f"{name}[{index}]", f"the model reads text only, not {kind[:40]!r}")
        name_of_text = "refusal" if kind == "refusal" else "text"
        text = part.text(name_of_text)
        if text is None:
            raise part.invalid(name_of_text, "a string")
        texts.append(text)
    return joint.join(texts)


def read_messages(body: Fields) -> list[dict[str, Any]]:
    """The messages as the chat wire takes them."""
    return [_message(message) for message in body.need_each("messages")]


def _message(message: Fields) -> dict[str, Any]:
    if message.get("role") == "function":
        raise message.unsupported("role", "functions are called as tools; use the role 'tool'")
    role = message.need_one_of("role", *_ROLES)
    content = text_of(message, "content", reads=("text", "refusal"), skips=("thinking",))
    if role == "assistant":
        calls = [_call(call) for call in message.each("tool_calls")]
        return present(role=role, content=content or "", tool_calls=calls or None)
    if content is None:
        raise message.invalid("content", "a string or a list of content parts")
    if role == "tool":
        return present(role=role, content=content, tool_call_id=message.text("tool_call_id"), name=message.text("name"))
    return {"role": "system" if role == "developer" else role, "content": content}


def _call(call: Fields) -> dict[str, Any]:
    if call.get("type") not in (None, "function"):
        raise call.unsupported("type", "only functions can be called")
    function = call.need_inner("function")
    given = function.get("arguments")
    arguments = msgspec.json.encode(given).decode() if isinstance(given, dict) else function.text("arguments")
    return tool_call(call.text("id") or "", function.need_text("name"), arguments or "")


def tool_call(identity: str, name: str, arguments: str) -> dict[str, Any]:
    """A call that was made earlier. The engine wants JSON for arguments; what is not becomes a JSON string."""
    if not arguments.strip():
        arguments = "{}"
    try:
        msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        arguments = msgspec.json.encode(arguments).decode()
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


def read_response_format(body: Fields) -> dict[str, Any] | None:
    """``response_format`` as the chat wire takes it; None for plain text."""
    wanted = body.inner("response_format")
    if wanted is None:
        return None
    kind = wanted.one_of("type", "text", "json_object", "json_schema")
    if kind in (None, "text"):
        return None
    if kind == "json_object":
        return {"type": kind}
    return json_schema(wanted.need_inner("json_schema"))


def json_schema(described: Fields) -> dict[str, Any]:
    """A schema that the answer must follow."""
    schema = described.whole_object("schema")
    if schema is None:
        raise described.invalid("schema", "a JSON schema")
    return {"type": "json_schema", "json_schema": {"name": described.text("name") or "answer", "schema": schema}}
