# SPDX-License-Identifier: Apache-2.0
"""API keys and operator tokens: how they are made, and what is kept of them. The secret itself is never kept."""

import hashlib
import secrets
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from freehold.contract.call import DataClass
from freehold.contract.digest import sha256_of

EVERY_SERVICE = ("*",)

_SECRET_BYTES = 32
_SALT_BYTES = 32
_ID_BYTES = 6


class Prefix(StrEnum):
    """How a secret begins, so that a person, or a scanner of source code, can tell what leaked."""

    API_KEY = "fh_"
    OPERATOR = "fho_"


class Standing(StrEnum):
    """What a key or a token is worth now."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """An API key as it is kept. ``label`` is a person's own words, so it never enters the ledger."""

    id: str
    label: str
    secret_sha256: str
    services: tuple[str, ...]
    data_class: DataClass
    created_unix: float
    requests_per_minute: int = 0  # 0: gateway.requests_per_minute
    expires_unix: float = 0.0  # 0: never
    revoked_unix: float = 0.0  # 0: not revoked

    def standing(self, now_unix: float) -> Standing:
        if self.revoked_unix:
            return Standing.REVOKED
        return Standing.EXPIRED if 0 < self.expires_unix <= now_unix else Standing.ACTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorRecord:
    """Somebody who may use the admin port."""

    id: str
    label: str
    token_sha256: str
    created_unix: float
    revoked_unix: float = 0.0  # 0: not revoked

    @property
    def standing(self) -> Standing:
        return Standing.REVOKED if self.revoked_unix else Standing.ACTIVE


def new_secret(prefix: Prefix) -> str:
    """A fresh secret, to be shown once. Its 256 random bits need no salt and no slow hash."""
    return prefix + secrets.token_urlsafe(_SECRET_BYTES)


def new_id(kind: str) -> str:
    """A fresh identifier that says nothing: ``key_3f9a0c27b81d``."""
    return f"{kind}_{secrets.token_hex(_ID_BYTES)}"


def digest_of(secret: str) -> str:
    """What is kept of a secret: SHA-256 in hex."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def new_salt() -> bytes:
    """For words that the ledger is to know by digest alone."""
    return secrets.token_bytes(_SALT_BYTES)


def digest_of_text(salt: bytes, text: str) -> str:
    """What the ledger is told of somebody's words: once salt and text are erased, nobody can even test a guess."""
    return sha256_of(salt + text.encode("utf-8", "surrogatepass"))


def label_digest(salt: bytes, label: str) -> dict[str, str]:
    """Of a label, where there is one."""
    return {"label": digest_of_text(salt, label)} if label else {}


def digest_of_grant(key: KeyRecord) -> str:
    """SHA-256 over what the key may do, as canonical JSON: its services, rate, class and end."""
    grant = {
        "services": key.services,
        "requests_per_minute": key.requests_per_minute,
        "data_class": key.data_class.name.lower(),
        "expires_unix": int(key.expires_unix),
    }
    return sha256_of(msgspec.json.encode(grant, order="sorted"))
