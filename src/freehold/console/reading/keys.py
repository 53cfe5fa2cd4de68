# SPDX-License-Identifier: Apache-2.0
"""Keys of applications with what they used, and operators, as their page tells them."""

import msgspec


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One API key; its secret was told once."""

    id: str
    label: str
    state: str
    services: list[str]
    requests_per_minute: int | None
    data_class: str
    created: str
    expires: str | None
    revoked: str | None
    etag: str


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """``GET keys``."""

    keys: list[Key]
    next: str | None


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """What one key asked for in a period."""

    key: str
    calls: int
    refused: int
    failed: int
    input_tokens: int
    output_tokens: int
    last: str | None


class Period(msgspec.Struct, frozen=True, kw_only=True, rename={"since": "from"}):
    """What all keys asked for. ``whole`` is false where the period has more entries than are looked at."""

    since: str | None
    whole: bool
    keys: list[Used]


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """``GET usage``."""

    usage: Period

    def of(self, key: str) -> Used | None:
        return next((one for one in self.usage.keys if one.key == key), None)


class Operator(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may use the console."""

    id: str
    label: str
    state: str
    created: str
    revoked: str | None
    etag: str


class Operators(msgspec.Struct, frozen=True, kw_only=True):
    """``GET operators``."""

    operators: list[Operator]
    next: str | None


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A service that a key may be for."""

    name: str
    data_class: str


class ServiceNames(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of ``GET services``."""

    services: list[Named]


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A key or an operator that was just made. ``secret`` is told in this answer and nowhere else."""

    id: str
    label: str
    secret: str = ""
    token: str = ""


class MadeKey(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of ``POST keys``."""

    key: Made


class MadeOperator(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of ``POST operators``."""

    operator: Made
