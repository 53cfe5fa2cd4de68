# SPDX-License-Identifier: Apache-2.0
"""A provider's own words on what it would not do, made fit to be shown: short, printable, and without any key.

They are somebody else's: shown only where the caller can do something about them, and always with who said them.
"""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

_LONGEST: Final = 300  # characters
_HIDDEN: Final = "[...]"
_NOT_PRINTABLE: Final = re.compile(r"[^\x20-\x7e\xa1-\u02ff\u0370-\u1fff\u2010-\u2027\u2030-\u205e\u20a0-\ud7ff]+")
_KEYS: Final = (
    re.compile(r"(?i)\b(bearer|basic)\s+\S+"),
    re.compile(r"(?i)\b(sk|pk|rk|gsk|hf|xai|fw|key|fh|nvapi|api[-_]?key)[-_:=]\s?[^\s\"',;]{6,}"),
    re.compile(r"\beyJ[\w.-]{8,}"),  # a JSON web token
    re.compile(r"(?=[\w+/=*-]*\d)(?=[\w+/=*-]*[A-Za-z])[\w+/=*-]{28,}"),  # long, with letters and digits
)
_FILTERS: Final = frozenset({"content_filter", "ResponsibleAIPolicyViolation"})
_WRAPPED: Final = "error"  # the type of what only wraps an error
_MOST_BYTES: Final = 256 * 1024  # of a body that is looked into


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider's error says of itself. Empty where it does not."""

    message: str = ""
    type: str = ""
    code: str = ""
    prompt_tokens: int = 0  # where a field has them, as that of llama.cpp does
    context_tokens: int = 0
    filtered: bool = False  # a content filter's work, as Azure says it


def read_error(body: bytes) -> Said:
    """The error in a body, in whatever of the vendors' shapes it comes."""
    layers = list(_layers(_decoded(body)))
    return Said(
        message=_first(layers, "message") or _first(layers, "detail"),
        type=_first(layers, "type") or _first(layers, "reason") or _first(layers, "status"),
        code=_first(layers, "code"),
        prompt_tokens=_count(layers, "n_prompt_tokens"),
        context_tokens=_count(layers, "n_ctx"),
        filtered=any(_text(layer.get("code")) in _FILTERS for layer in layers),
    )


def is_error(body: bytes) -> bool:
    """Whether a body, or the data of an event, is an error rather than an answer."""
    if b'"error"' not in body[:_MOST_BYTES]:  # nearly all of them
        return False
    found = _decoded(body)
    return isinstance(found, dict) and (
        isinstance(found.get("error"), str | dict) or _WRAPPED in (found.get("type"), found.get("object"))
    )


def shown(text: str, secret: str = "") -> str:
    """The words as they may be shown."""
    if secret:
        text = text.replace(secret, _HIDDEN)
    text = " ".join(_NOT_PRINTABLE.sub(" ", text[: 20 * _LONGEST]).split())
    for key in _KEYS:
        text = key.sub(_HIDDEN, text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _decoded(body: bytes) -> object:
    try:
        return msgspec.json.decode(body) if len(body) <= _MOST_BYTES else None
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None


def _layers(found: object) -> Iterator[dict[str, object]]:
    """The error inside first, then what it is wrapped in, then what Azure and Google put inside."""
    if isinstance(found, list):
        found = found[0] if found else None
    if not isinstance(found, dict):
        return
    inner = found.get("error")
    if isinstance(inner, str):
        yield {"message": inner}
    if isinstance(inner, dict):
        yield inner
    yield found
    if isinstance(inner, dict) and isinstance(deepest := inner.get("innererror"), dict):
        yield deepest
    if isinstance(inner, dict) and isinstance(details := inner.get("details"), list):
        yield from (detail for detail in details if isinstance(detail, dict))


def _first(layers: list[dict[str, object]], name: str) -> str:
    return next((text for layer in layers if (text := _text(layer.get(name))) not in ("", _WRAPPED)), "")


def _text(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, list | dict) and value:  # how some say which field is wrong
        return msgspec.json.encode(value).decode()
    return value if isinstance(value, str) else ""


def _count(layers: list[dict[str, object]], name: str) -> int:
    return next((value for layer in layers if isinstance(value := layer.get(name), int)), 0)
