# SPDX-License-Identifier: Apache-2.0
"""Sentence encoders of the BERT kind, from safetensors to GGUF: for vectors, so without the heads for other tasks.

The engine knows one tokenizer of this kind, which puts all in small letters, and two ways to make one vector out of
many. A model that wants something else is refused, because its vectors would be wrong and nobody would see it.
"""

import json
import os
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import prod
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from freehold.errors import VaultError
from freehold.vault.convert.gguf_file import Tensor, TensorType, Value, write_gguf
from freehold.vault.hashing import Progress
from freehold.vault.inspect.safetensors import SafeTensor, SafetensorsHeader, read_safetensors

_PIECE_BYTES: Final = 4 * 2**20
_MAX_DOCUMENT_BYTES: Final = 32 * 2**20
_NORMAL, _CONTROL = 1, 3  # kinds of tokens, in the engine's words
_WORD_START: Final = "\N{LOWER ONE EIGHTH BLOCK}"  # how the engine marks what begins a word
_SPECIAL: Final = {
    "bos": "[CLS]",
    "eos": "[SEP]",
    "unknown": "[UNK]",
    "seperator": "[SEP]",  # the format's own spelling
    "padding": "[PAD]",
    "cls": "[CLS]",
    "mask": "[MASK]",
}
_POOLING: Final = {"pooling_mode_mean_tokens": 1, "pooling_mode_cls_token": 2}
_TYPES: Final = {"F32": TensorType.F32, "F16": TensorType.F16, "BF16": TensorType.BF16}
_AROUND: Final = {
    "token_embd.weight": "embeddings.word_embeddings.weight",
    "position_embd.weight": "embeddings.position_embeddings.weight",
    "token_types.weight": "embeddings.token_type_embeddings.weight",
    "token_embd_norm": "embeddings.LayerNorm",
}
_IN_EACH_LAYER: Final = {
    "attn_q": "attention.self.query",
    "attn_k": "attention.self.key",
    "attn_v": "attention.self.value",
    "attn_output": "attention.output.dense",
    "attn_output_norm": "attention.output.LayerNorm",
    "ffn_up": "intermediate.dense",
    "ffn_down": "output.dense",
    "layer_output_norm": "output.LayerNorm",
}
_WHOLE_NUMBERS: Final = ("position_embd.weight", "token_types.weight")  # the engine wants these as 32-bit floats

_Width = Annotated[int, Meta(ge=1, le=1_000_000)]


class _Config(msgspec.Struct):
    """What is read of config.json."""

    model_type: str
    hidden_size: _Width
    intermediate_size: _Width
    num_attention_heads: _Width
    num_hidden_layers: Annotated[int, Meta(ge=1, le=1000)]
    max_position_embeddings: _Width
    vocab_size: _Width
    type_vocab_size: _Width = 2
    layer_norm_eps: Annotated[float, Meta(gt=0, lt=1)] = 1e-12
    hidden_act: str = "gelu"
    position_embedding_type: str = "absolute"


_CONFIG_DECODER: Final = msgspec.json.Decoder(_Config)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """A model's files, and its tensors by the names that they have in an encoder by itself."""

    files: Mapping[str, int]
    name: str
    header: SafetensorsHeader
    config: _Config

    def document(self, path: str) -> dict[str, Any]:
        """Raises VaultError for what is no JSON object; empty where there is no such file."""
        try:
            found = json.loads(self.text(path) or "{}")
        except (ValueError, RecursionError) as exc:
            raise VaultError(f"{self.name}: {path} is no JSON") from exc
        if not isinstance(found, dict):
            raise VaultError(f"{self.name}: {path} is no JSON object")
        return found

    def text(self, path: str) -> str:
        fd = self.files.get(path)
        if fd is None:
            return ""
        data = os.pread(fd, _MAX_DOCUMENT_BYTES + 1, 0)
        try:
            text = data.decode()
        except UnicodeDecodeError as exc:
            raise VaultError(f"{self.name}: {path} is not UTF-8") from exc
        if len(data) > _MAX_DOCUMENT_BYTES:
            raise VaultError(f"{self.name}: {path} is larger than {_MAX_DOCUMENT_BYTES >> 20} MiB")
        return text


def convert_bert(files: Mapping[str, int], name: str, out_fd: int, progress: Progress, *, licence: str = "") -> None:
    """Write the model to ``out_fd`` as GGUF. ``files`` are open descriptors by their path in the model.

    ``licence`` (SPDX) goes into the file; ``name`` is for messages alone. Raises VaultError for a model that the engine
    would not run as its publisher does.
    """
    source = _open(files, name)
    stated: dict[str, Value] = {"general.license": licence} if licence else {}
    write_gguf(out_fd, {**_metadata(source), **stated}, tuple(_tensors(source)), progress)


def _open(files: Mapping[str, int], name: str) -> _Source:
    weights = [path for path in files if path.endswith(".safetensors")]
    if len(weights) != 1 or "config.json" not in files:
        raise VaultError(f"{name}: a sentence encoder has one file of weights and a config.json")
    try:
        config = _CONFIG_DECODER.decode(os.pread(files["config.json"], _MAX_DOCUMENT_BYTES, 0))
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        raise VaultError(f"{name}: config.json does not describe a BERT model: {exc}") from exc
    if config.model_type != "bert" or config.hidden_act != "gelu" or config.position_embedding_type != "absolute":
        raise VaultError(
            f"{name}: this kind of model cannot be converted: {config.model_type}, {config.hidden_act},"
            f" positions {config.position_embedding_type}",
            hint="Converted are BERT models with gelu and absolute positions. Import others as GGUF.",
        )
    fd = files[weights[0]]
    return _Source(
        files={**files, "": fd},
        name=name,
        header=read_safetensors(fd, os.fstat(fd).st_size, weights[0]),
        config=config,
    )


def _metadata(source: _Source) -> dict[str, Value]:
    config, tokens = source.config, _tokens(source)
    special = {word: tokens.index(word) for word in dict.fromkeys(_SPECIAL.values()) if word in tokens}
    if len(special) != len(set(_SPECIAL.values())) or len(tokens) != config.vocab_size:
        raise VaultError(f"{source.name}: the vocabulary lacks a special token, or has not {config.vocab_size} entries")
    return {
        "general.architecture": "bert",
        "general.type": "model",
        "general.file_type": 0 if source.header.dtype == "F32" else 1,
        "bert.block_count": config.num_hidden_layers,
        "bert.context_length": _context_tokens(source),
        "bert.embedding_length": config.hidden_size,
        "bert.feed_forward_length": config.intermediate_size,
        "bert.attention.head_count": config.num_attention_heads,
        "bert.attention.layer_norm_epsilon": config.layer_norm_eps,
        "bert.attention.causal": False,
        "bert.pooling_type": _pooling(source),
        "tokenizer.ggml.model": "bert",
        "tokenizer.ggml.pre": "default",
        "tokenizer.ggml.token_type_count": config.type_vocab_size,
        "tokenizer.ggml.tokens": [token if token in special else _in_engines_words(token) for token in tokens],
        "tokenizer.ggml.token_type": [_CONTROL if token in special else _NORMAL for token in tokens],
        **{f"tokenizer.ggml.{role}_token_id": special[word] for role, word in _SPECIAL.items()},
    }


def _tokens(source: _Source) -> list[str]:
    """The vocabulary, in its order."""
    settings = source.document("tokenizer_config.json")
    if settings.get("do_lower_case") is not True:
        raise VaultError(
            f"{source.name}: its tokenizer tells capitals from small letters, which the engine's does not",
            hint="Its vectors would be wrong. Use a model that is 'uncased'.",
        )
    if lines := source.text("vocab.txt"):
        return lines.removesuffix("\n").split("\n")
    model = source.document("tokenizer.json").get("model")
    vocabulary = model.get("vocab") if isinstance(model, dict) and model.get("type") == "WordPiece" else None
    if not isinstance(vocabulary, dict) or sorted(vocabulary.values()) != list(range(len(vocabulary))):
        raise VaultError(f"{source.name}: there is no WordPiece vocabulary in vocab.txt or tokenizer.json")
    return sorted(vocabulary, key=lambda token: int(vocabulary[token]))


def _in_engines_words(token: str) -> str:
    return token[2:] if token.startswith("##") else _WORD_START + token


def _context_tokens(source: _Source) -> int:
    """As many as the publisher lets it read: what is longer is refused, where others cut it off unseen."""
    longest = source.document("sentence_bert_config.json").get("max_seq_length")
    positions = source.config.max_position_embeddings
    return min(longest, positions) if isinstance(longest, int) and longest > 0 else positions


def _pooling(source: _Source) -> int:
    settings = source.document("1_Pooling/config.json")
    wanted = [mode for mode, value in settings.items() if mode.startswith("pooling_mode_") and value is True]
    if len(wanted) != 1 or wanted[0] not in _POOLING:
        raise VaultError(
            f"{source.name}: how it makes one vector out of many is not known to the engine: {', '.join(wanted)}",
            hint="Known are the mean of the tokens and the first token, by 1_Pooling/config.json.",
        )
    return _POOLING[wanted[0]]


def _tensors(source: _Source) -> Iterator[Tensor]:
    config, width = source.config, source.config.hidden_size
    inner = {"ffn_up": (config.intermediate_size, width), "ffn_down": (width, config.intermediate_size)}
    embedded = {
        "token_embd.weight": config.vocab_size,
        "position_embd.weight": _context_tokens(source),
        "token_types.weight": config.type_vocab_size,
    }
    for ours, theirs in _AROUND.items():
        if ours in embedded:
            yield _tensor(source, ours, theirs, (embedded[ours], width))
        else:
            yield from _pair(source, ours, theirs, (width,))
    for layer in range(config.num_hidden_layers):
        for ours, theirs in _IN_EACH_LAYER.items():
            shape = (width,) if ours.endswith("norm") else inner.get(ours, (width, width))
            yield from _pair(source, f"blk.{layer}.{ours}", f"encoder.layer.{layer}.{theirs}", shape)


def _pair(source: _Source, ours: str, theirs: str, shape: tuple[int, ...]) -> Iterator[Tensor]:
    yield _tensor(source, f"{ours}.weight", f"{theirs}.weight", shape)
    yield _tensor(source, f"{ours}.bias", f"{theirs}.bias", shape[:1])


def _tensor(source: _Source, ours: str, theirs: str, shape: tuple[int, ...]) -> Tensor:
    found = source.header.tensors.get(theirs) or source.header.tensors.get(f"bert.{theirs}")
    if found is not None and ours == "position_embd.weight":
        found = _first_positions(source, found, prod(shape))
    if found is None or found.dtype not in _TYPES or found.weights != prod(shape):
        raise VaultError(f"{source.name}: the tensor {theirs} is not there as {shape} of floats")
    if found.dtype != "F32" and (len(shape) == 1 or ours in _WHOLE_NUMBERS):
        return Tensor(name=ours, shape=shape, type=TensorType.F32, pieces=partial(_widened, source, found))
    return Tensor(name=ours, shape=shape, type=_TYPES[found.dtype], pieces=partial(_copied, source, found))


def _first_positions(source: _Source, whole: SafeTensor, weights: int) -> SafeTensor | None:
    """Those that are ever read: the engine wants no more of them than the model may read tokens."""
    if whole.weights != source.config.max_position_embeddings * source.config.hidden_size:
        return None
    end = whole.begin + (whole.end - whole.begin) * weights // whole.weights
    return replace(whole, weights=weights, end=end)


def _copied(source: _Source, tensor: SafeTensor) -> Iterator[bytes]:
    begin, end = source.header.data_begin + tensor.begin, source.header.data_begin + tensor.end
    for at in range(begin, end, _PIECE_BYTES):
        yield os.pread(source.files[""], min(_PIECE_BYTES, end - at), at)


def _widened(source: _Source, tensor: SafeTensor) -> Iterator[bytes]:
    """16-bit floats as 32-bit ones."""
    widen: Callable[[bytes], bytes] = _widen_f16 if tensor.dtype == "F16" else _widen_bf16
    for piece in _copied(source, tensor):
        yield widen(piece)


def _widen_f16(piece: bytes) -> bytes:
    count = len(piece) // 2
    return struct.pack(f"<{count}f", *struct.unpack(f"<{count}e", piece))


def _widen_bf16(piece: bytes) -> bytes:
    wide = bytearray(2 * len(piece))
    wide[2::4], wide[3::4] = piece[0::2], piece[1::2]
    return bytes(wide)
