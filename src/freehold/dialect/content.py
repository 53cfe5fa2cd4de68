# SPDX-License-Identifier: Apache-2.0
"""What of a message the hub has words for, and the messages of the two dialects that the chat wire is made after.

Every dialect has a table of the kinds of content parts that it reads. A kind that is not in it is noted and left out.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from freehold.dialect.beyond import HARMLESS, Beyond, note, note_beyond, note_carried, note_image, note_kind
from freehold.dialect.fields import Fields, present

Part = dict[str, Any]  # as in a message of the hub, or {"type": "reasoning", "text"}, which goes beside the content
Readers = Mapping[str, Callable[[Fields], Part | None]]

_ROLES = ("system", "developer", "user", "assistant", "tool")
_KNOWN_IN_MESSAGE = frozenset({"role", "content", "tool_calls", "tool_call_id", "reasoning_content", "prefix"})
_BEYOND_IN_MESSAGE = {"annotations": HARMLESS, "audio": Beyond(), "function_call": Beyond(), "refusal": Beyond()}
_DATA_URL = re.compile(r"data:(image/[a-z0-9.+-]+)(?:;[a-z0-9=._-]+)*;base64,", re.IGNORECASE)
_MOST_HEAD = 256  # of a data: URL; what follows is the image


def read_parts(fields: Fields, name: str, readers: Readers) -> list[Part] | None:
    """The parts of a string or a list of parts, in their order; None where there is neither."""
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, str):
        return [text_part(value)]
    if not isinstance(value, list):
        raise fields.invalid(name, "a string or a list of content parts")
    parts = []
    for part in fields.each(name):
        kind = part.need_text("type")
        if read := readers.get(kind):
            parts.append(read(part))
        else:
            note_kind(part, "", kind)
    return [part for part in parts if part is not None]


def content_of(parts: Iterable[Part]) -> str | list[Part]:
    """One text, or where there is an image among them the parts themselves."""
    parts = [part for part in parts if part["type"] != "reasoning"]
    return parts if any(part["type"] == "image_url" for part in parts) else text_in(parts)


def text_in(parts: Iterable[Part], joint: str = "\n") -> str:
    return joint.join(part["text"] for part in parts if part["type"] == "text")


def thoughts_in(parts: Iterable[Part]) -> str | None:
    return "\n".join(part["text"] for part in parts if part["type"] == "reasoning" and part["text"]) or None


def text_part(text: str) -> Part:
    return {"type": "text", "text": text}


def read_text(part: Fields) -> Part:
    return _text_in_field(part, "text")


def read_refusal(part: Fields) -> Part:
    return _text_in_field(part, "refusal")


def _text_in_field(part: Fields, name: str) -> Part:
    text = part.text(name)
    if text is None:
        raise part.invalid(name, "a string")
    note_beyond(part, ("type", name), {"annotations": HARMLESS, "citations": HARMLESS, "logprobs": HARMLESS})
    return text_part(text)


def read_image_url(part: Fields) -> Part | None:
    """An image by its URL, which stands in the part, or in an object in it."""
    note_beyond(part, ("type", "image_url"), {})
    given = part.get("image_url")
    if isinstance(given, dict):
        return image_part(part, given.get("url"), given.get("detail"))
    return image_part(part, given)


def image_part(part: Fields, url: object, detail: object = None) -> Part | None:
    """An image as the hub has it. One by another address, or in a vendor's store, only its own API can find."""
    found = _image_url(url)
    if found is None:
        note_kind(part, "", "image", "the target reads images by a data: or an https: URL only")
        return None
    note_image(part)
    return {"type": "image_url", "image_url": present(url=found, detail=detail if isinstance(detail, str) else None)}


def _image_url(url: object) -> str | None:
    if not isinstance(url, str):
        return None
    if url[:8].lower() == "https://":
        return url
    head = _DATA_URL.match(url[:_MOST_HEAD])
    return f"data:{head[1].lower()};base64,{url[head.end() :]}" if head else None


def read_thinking(part: Fields) -> Part:
    """Mistral's thoughts: a text, or a list of parts of which those with a text are read."""
    note_carried(part, "", "reasoning", harmless=True)
    given = part.get("thinking")
    if isinstance(given, list):
        given = "".join(str(each.get("text") or "") for each in given if isinstance(each, dict))
    return {"type": "reasoning", "text": given if isinstance(given, str) else ""}


_PLAIN: Readers = {"text": read_text, "refusal": read_refusal, "thinking": read_thinking}
_WITH_IMAGES: Readers = {**_PLAIN, "image_url": read_image_url}


def read_messages(body: Fields) -> list[dict[str, Any]]:
    """The messages as the chat wire takes them."""
    return [_message(message) for message in body.need_each("messages")]


def _message(message: Fields) -> dict[str, Any]:
    if message.get("role") == "function":
        raise message.unsupported("role", "functions are called as tools; use the role 'tool'")
    role = message.need_one_of("role", *_ROLES)
    known = _KNOWN_IN_MESSAGE | {"name"} if role == "tool" else _KNOWN_IN_MESSAGE
    note_beyond(message, known, _BEYOND_IN_MESSAGE)
    parts = read_parts(message, "content", _WITH_IMAGES if role in ("user", "tool") else _PLAIN)
    if role == "assistant":
        calls = [_call(call) for call in message.each("tool_calls")]
        content = text_in(parts or ())
        return present(
            role=role,
            content=content,
            reasoning_content=_earlier_thoughts(message) or thoughts_in(parts or ()),
            tool_calls=[call for call in calls if call] or None,
        )
    if parts is None:
        raise message.invalid("content", "a string or a list of content parts")
    content_read = content_of(parts)
    if role == "tool":
        call_id, name = message.text("tool_call_id"), message.text("name")
        return present(role=role, content=content_read, tool_call_id=call_id, name=name)
    return {"role": "system" if role == "developer" else role, "content": content_read}


def _earlier_thoughts(message: Fields) -> str | None:
    thoughts = message.get("reasoning_content")
    if thoughts and isinstance(thoughts, str):
        note_carried(message, "reasoning_content", "reasoning", harmless=True)
        return thoughts
    if thoughts:
        note(message, "reasoning_content", HARMLESS)
    return None


def _call(call: Fields) -> dict[str, Any] | None:
    if call.get("type") not in (None, "function"):
        note_kind(call, "type", call.need_text("type"))
        return None
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


def json_schema(described: Fields, *, strict: bool = False) -> dict[str, Any]:
    """A schema that the answer must follow. ``strict`` where the dialect knows no other way."""
    schema = described.whole_object("schema")
    if schema is None:
        raise described.invalid("schema", "a JSON schema")
    wanted = present(
        name=described.text("name") or "answer",
        description=described.text("description"),
        schema=schema,
        strict=True if strict else described.flag("strict"),
    )
    return {"type": "json_schema", "json_schema": wanted}
