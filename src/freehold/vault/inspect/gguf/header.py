# SPDX-License-Identifier: Apache-2.0
"""What a GGUF file says of itself (gguf.md, versions 2 and 3, little endian).

The header is untrusted input to everything that runs a model, so it is read here, with limits, before any engine sees
it. Refused: what is not GGUF, counts and lengths over their limits, types other than the format gives a key, a key or a
tensor that is there twice, arrays in arrays, tensors that overlap or leave gaps, and a file that ends too early.
"""

import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from freehold.vault.inspect.cursor import Cursor
from freehold.vault.inspect.gguf.tensors import Tensor, check_places, read_tensors
from freehold.vault.inspect.gguf.types import FILE_TYPES
from freehold.vault.inspect.gguf.values import TEMPLATE, Metadata, read_values

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_DEFAULT_ALIGNMENT = 32
_GUESSED = 1024  # general.file_type carries this bit where the writer was not sure
_WORD = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_NO_POOLING = 0
_MAX_CONTEXT_TOKENS = 2**31 - 1  # llama.cpp counts in 32 bits with a sign: more than that ends it at every call

_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")


@dataclass(frozen=True, slots=True, kw_only=True)
class GgufHeader:
    """The facts that Freehold needs. Text that the file does not have is empty."""

    architecture: str
    title: str
    quantisation: str
    parameters: int
    context_train_tokens: int
    kv_bytes_per_token: int  # keys and values of all layers, at 16 bits; 0: the file does not say
    templates: Mapping[str, str] = field(default_factory=dict)  # every chat template, by its key
    tokenizer: str
    tokenizer_digest: str  # over its keys and values as they lie in the file
    licence: str  # as the file has it
    licence_name: str = ""
    licence_link: str = ""
    base_models: tuple[str, ...] = ()  # where the models lie that it was made from, as the file says
    embeds: bool = False  # it makes one vector of a text, and no text

    @property
    def chat_template(self) -> str:
        """The one that engines use unless they are told otherwise."""
        return self.templates.get(TEMPLATE, "")


def read_header(fd: int, size_bytes: int, name: str) -> GgufHeader:
    """Read the header of an open file. Raises VaultError, and nothing else for whatever the bytes may be."""
    cursor = Cursor(fd, size_bytes, name)
    if size_bytes < len(_MAGIC) or cursor.take(len(_MAGIC)) != _MAGIC:
        raise cursor.refusal("this is not a GGUF file: it does not begin with 'GGUF'")
    _check_version(cursor)
    tensor_count, key_count = cursor.number(_U64), cursor.number(_U64)
    metadata = read_values(cursor, key_count)
    _check_whole_model(cursor, metadata)
    tensors = read_tensors(cursor, tensor_count)
    check_places(cursor, tensors, metadata.number("general.alignment", _DEFAULT_ALIGNMENT), size_bytes)
    return _describe(cursor, metadata, tensors)


def _check_version(cursor: Cursor) -> None:
    version = cursor.number(_U32)
    if int.from_bytes(version.to_bytes(4, "little"), "big") in _VERSIONS:
        raise cursor.refusal("this is GGUF in big-endian order; only little-endian is read")
    if version not in _VERSIONS:
        raise cursor.refusal(f"this is GGUF version {version}; 2 and 3 are read")


def _check_whole_model(cursor: Cursor, metadata: Metadata) -> None:
    kind, parts = metadata.text("general.type"), metadata.number("split.count")
    if kind not in ("", "model"):
        raise cursor.refusal(f"this is not a model by itself: its general.type is {kind[:64]!r}")
    if parts > 1:
        raise cursor.refusal(f"this is one of {parts} parts of a model; merge them into one file first")


def _describe(cursor: Cursor, metadata: Metadata, tensors: Sequence[Tensor]) -> GgufHeader:
    architecture = metadata.text("general.architecture")
    tokenizer = metadata.text("tokenizer.ggml.model")
    if not _WORD.fullmatch(architecture):
        raise cursor.refusal("the key 'general.architecture' is missing or is not a plain word")
    if tokenizer and not _WORD.fullmatch(tokenizer):
        raise cursor.refusal("the key 'tokenizer.ggml.model' is not a plain word")
    context = metadata.number(f"{architecture}.context_length")
    if context == 0:
        raise cursor.refusal(f"the key '{architecture}.context_length' is missing or 0")
    if context > _MAX_CONTEXT_TOKENS:
        raise cursor.refusal(f"the key '{architecture}.context_length' is over {_MAX_CONTEXT_TOKENS}")
    title = metadata.text("general.name")
    return GgufHeader(
        architecture=architecture,
        title=title[:200] if title.isprintable() else "",  # it is shown on terminals
        quantisation=_quantisation(metadata, tensors),
        parameters=sum(tensor.weights for tensor in tensors),
        context_train_tokens=context,
        kv_bytes_per_token=_kv_bytes_per_token(metadata, architecture),
        templates=metadata.templates,
        tokenizer=tokenizer,
        tokenizer_digest=cursor.digest(metadata.tokenizer_spans),
        licence=metadata.text("general.license"),
        licence_name=metadata.text("general.license.name"),
        licence_link=metadata.text("general.license.link"),
        base_models=metadata.base_models,
        embeds=metadata.number(f"{architecture}.pooling_type", _NO_POOLING) != _NO_POOLING,
    )


def _quantisation(metadata: Metadata, tensors: Sequence[Tensor]) -> str:
    """What the file says, else the type that holds most of its weights."""
    stated = FILE_TYPES.get(metadata.number("general.file_type", -1) & ~_GUESSED)
    if stated is not None:
        return stated
    weights: dict[str, int] = {}
    for tensor in tensors:
        weights[tensor.type.name] = weights.get(tensor.type.name, 0) + tensor.weights
    return max(weights, key=lambda name: weights[name])


def _kv_bytes_per_token(metadata: Metadata, architecture: str) -> int:
    layers = metadata.number(f"{architecture}.block_count")
    heads = metadata.by_layer(f"{architecture}.attention.head_count", layers)
    if not any(heads):
        return 0
    kv_heads = metadata.by_layer(f"{architecture}.attention.head_count_kv", layers)
    head_length = metadata.number(f"{architecture}.embedding_length") // max(heads)
    key_length = metadata.number(f"{architecture}.attention.key_length", head_length)
    value_length = metadata.number(f"{architecture}.attention.value_length", head_length)
    return 2 * sum(kv_heads if any(kv_heads) else heads) * (key_length + value_length)
