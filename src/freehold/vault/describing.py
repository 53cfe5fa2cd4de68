# SPDX-License-Identifier: Apache-2.0
"""What a model's files say that it is: read through their descriptors, at import and again at every load.

One GGUF file, or safetensors with a config.json. What is not there stays empty; what contradicts itself is refused.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

import msgspec

from freehold.contract.digest import sha256_of
from freehold.errors import VaultError
from freehold.vault.inspect.documents import Node, read_json
from freehold.vault.inspect.gguf import read_header
from freehold.vault.inspect.safetensors import read_safetensors
from freehold.vault.manifest import Format, text_digest

_MAX_DOCUMENT_BYTES = 64 * 2**20
_MAX_TEXT_BYTES = 2**20
_CONFIG = "config.json"
_TEMPLATES = ("chat_template.jinja", "chat_template.json", "tokenizer_config.json")  # the first that has one
_TOKENIZERS = ("tokenizer.json", "tekken.json", "vocab.txt", "vocab.json")
_CONTEXTS = ("max_position_embeddings", "n_positions", "max_sequence_length", "seq_length")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Text that the files do not have is empty, and a number 0."""

    format: Format
    architecture: str
    title: str = ""
    parameters: int
    quantisation: str
    context_train_tokens: int = 0
    kv_bytes_per_token: int = 0
    chat_template: str = ""
    chat_template_digest: str = ""
    tokenizer: str = ""
    tokenizer_digest: str = ""
    licence: str = ""  # as the files have it
    embeds: bool = False  # it makes one vector of a text, and no text


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFile:
    """One file of a model, open for reading."""

    fd: int
    size_bytes: int
    digest: str = ""


def read_facts(files: Mapping[str, OpenFile], name: str) -> Facts:
    """What the files, by their places in the model, say. Raises VaultError."""
    gguf = [path for path in files if path.endswith(".gguf")]
    safetensors = [path for path in files if path.endswith(".safetensors")]
    if len(files) == 1 and not safetensors:
        gguf = list(files)  # whatever it is called, it has to be one
    if len(gguf) == 1 and not safetensors:
        return _of_gguf(files[gguf[0]], name)
    if safetensors and not gguf:
        return _of_safetensors(files, safetensors, name)
    raise VaultError(
        f"{name}: {len(gguf)} GGUF files and {len(safetensors)} safetensors files are not one model",
        hint="A model is one GGUF file, or safetensors files with their config.json.",
    )


def _of_gguf(file: OpenFile, name: str) -> Facts:
    header = read_header(file.fd, file.size_bytes, name)
    return Facts(
        format="gguf",
        architecture=header.architecture,
        title=header.title,
        parameters=header.parameters,
        quantisation=header.quantisation,
        context_train_tokens=header.context_train_tokens,
        kv_bytes_per_token=header.kv_bytes_per_token,
        chat_template=header.chat_template,
        chat_template_digest=text_digest(header.chat_template),
        tokenizer=header.tokenizer,
        tokenizer_digest=header.tokenizer_digest,
        licence=header.licence,
        embeds=header.embeds,
    )


def _of_safetensors(files: Mapping[str, OpenFile], weights: list[str], name: str) -> Facts:
    headers = [read_safetensors(files[path].fd, files[path].size_bytes, f"{name}, {path}") for path in weights]
    largest = max(headers, key=lambda header: header.parameters)
    config = _document(files, _CONFIG, name)
    facts = Facts(
        format="safetensors",
        architecture=_text(config, "model_type"),
        parameters=sum(header.parameters for header in headers),
        quantisation=_quantisation(config) or largest.dtype,
        context_train_tokens=next((count for key in _CONTEXTS if (count := _count(config, key))), 0),
    )
    if not facts.architecture:
        raise VaultError(f"{name}: safetensors need a {_CONFIG} with a model_type", hint="Import the whole folder.")
    tokenizer = next((path for path in _TOKENIZERS if path in files), "")
    facts = replace(facts, tokenizer=tokenizer, tokenizer_digest=_digest(files[tokenizer]) if tokenizer else "")
    template, digest = _template(files, name)
    return replace(facts, chat_template=template, chat_template_digest=digest)


def _quantisation(config: Node) -> str:
    quantised = config.get("quantization_config") if isinstance(config, dict) else None
    return _text(quantised, "quant_method")


def _template(files: Mapping[str, OpenFile], name: str) -> tuple[str, str]:
    """The chat template and its digest; of several under names there is only a digest, over all of them."""
    for path in _TEMPLATES:
        if path not in files:
            continue
        if path.endswith(".jinja"):
            text = _read(files[path], _MAX_TEXT_BYTES, f"{name}, {path}").decode(errors="replace")
            return text, text_digest(text)
        document = _document(files, path, name)
        found = document.get("chat_template") if isinstance(document, dict) else None
        if isinstance(found, str):
            return found, text_digest(found)
        if found is not None:
            return "", sha256_of(msgspec.json.encode(found, order="sorted"))
    return "", ""


def _document(files: Mapping[str, OpenFile], path: str, name: str) -> Node:
    if path not in files:
        return {}
    return read_json(_read(files[path], _MAX_DOCUMENT_BYTES, f"{name}, {path}"), f"{name}, {path}")


def _text(document: Node, key: str) -> str:
    value = document.get(key) if isinstance(document, dict) else None
    return value[:200] if isinstance(value, str) and value.isprintable() else ""


def _count(document: Node, key: str) -> int:
    value = document.get(key) if isinstance(document, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**40 else 0


def _digest(file: OpenFile) -> str:
    return file.digest or sha256_of(_read(file, _MAX_DOCUMENT_BYTES, "the tokenizer"))


def _read(file: OpenFile, limit_bytes: int, what: str) -> bytes:
    if file.size_bytes > limit_bytes:
        raise VaultError(f"{what} has {file.size_bytes} bytes; at most {limit_bytes} are read")
    return os.pread(file.fd, limit_bytes, 0)
