# SPDX-License-Identifier: Apache-2.0
"""What the vault knows of one model, and its file format: canonical JSON, one line, schema 1.

A manifest is read only as it was written: an unknown field, another schema or another spelling of the same values is
refused, so that one manifest has one digest.
"""

import hashlib
import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from freehold.errors import VaultError

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_DIGEST = r"^sha256:[0-9a-f]{64}$"
_SPDX = {  # general.license holds the identifiers of the model hubs, which write SPDX in lower case
    licence.lower(): licence
    for licence in (
        "Apache-2.0",
        "MIT",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "Zlib",
        "Unlicense",
        "CC0-1.0",
        "CC-BY-4.0",
        "CC-BY-SA-4.0",
        "CC-BY-NC-4.0",
        "CC-BY-NC-SA-4.0",
        "MPL-2.0",
        "GPL-3.0",
        "AGPL-3.0",
        "LGPL-3.0",
        "EUPL-1.2",
    )
}

Digest = Annotated[str, Meta(pattern=_DIGEST)]
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model. Text that its file does not have is empty."""

    name: str
    digest: Digest  # over the weights file
    size_bytes: Count
    format: Literal["gguf"] = "gguf"
    title: str
    architecture: str
    parameters: Count
    quantisation: str
    context_train_tokens: Count
    chat_template_digest: Digest | Literal[""]  # over the template's UTF-8 text
    tokenizer: str
    licence: str  # SPDX, if the file or the pin says so
    origin: str  # the source as it was given to the import
    imported_at: str  # UTC, RFC 3339
    schema: Literal[1] = 1


def spdx(licence: str) -> str:
    """The SPDX identifier that a file's general.license stands for; empty if it stands for none."""
    return _SPDX.get(licence.lower(), "")


def text_digest(text: str) -> str:
    """``sha256:`` over the UTF-8 text; empty for no text."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest() if text else ""


def encode(manifest: Manifest) -> bytes:
    """Keys sorted, no spaces, UTF-8, one newline. ``decode(encode(m), m.name) == m``."""
    return msgspec.json.encode(manifest, order="sorted") + b"\n"


def decode(content: bytes, name: str) -> Manifest:
    """Read the manifest of the model ``name``. Raises VaultError."""
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except msgspec.MsgspecError as exc:
        raise VaultError(f"the manifest of {name} is not one that this version of Freehold reads") from exc
    if manifest.name != name:
        raise VaultError(f"the manifest of {name} is about {manifest.name!r}: the file was renamed or swapped")
    if encode(manifest) != content:
        raise VaultError(f"the manifest of {name} was changed by hand: it is not in canonical form")
    return manifest


def check_name(name: str) -> None:
    """Raises VaultError unless ``name`` may stand for a model."""
    if not _NAME.fullmatch(name):
        raise VaultError(
            f"{name!r} cannot be a model's name",
            hint="Use 1 to 64 of a-z, 0-9 and '.', '_', '-', the first of them a letter or a digit.",
        )
