# SPDX-License-Identifier: Apache-2.0
"""A tiny sentence encoder as its publisher would have it: safetensors, vocabulary, and how vectors are pooled."""

import json
import struct
from typing import Any

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##b", "c")
WIDTH, INNER, POSITIONS, READS = 4, 8, 16, 10
CONFIG: dict[str, Any] = {
    "model_type": "bert",
    "hidden_size": WIDTH,
    "intermediate_size": INNER,
    "num_attention_heads": 2,
    "num_hidden_layers": 1,
    "max_position_embeddings": POSITIONS,
    "vocab_size": len(WORDS),
    "type_vocab_size": 2,
}
CARD = b"---\nlicense: apache-2.0\n---\n# Tiny\n"


def shapes() -> dict[str, tuple[int, ...]]:
    """Every tensor by the publisher's name."""
    found: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(WORDS), WIDTH),
        "embeddings.position_embeddings.weight": (POSITIONS, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
    }
    layer = "encoder.layer.0"
    pairs: dict[str, tuple[int, ...]] = {
        "embeddings.LayerNorm": (WIDTH,),
        f"{layer}.attention.output.LayerNorm": (WIDTH,),
        f"{layer}.output.LayerNorm": (WIDTH,),
        f"{layer}.intermediate.dense": (INNER, WIDTH),
        f"{layer}.output.dense": (WIDTH, INNER),
        **{f"{layer}.attention.{part}": (WIDTH, WIDTH) for part in ("self.query", "self.key", "self.value")},
        f"{layer}.attention.output.dense": (WIDTH, WIDTH),
    }
    for name, shape in pairs.items():
        found[f"{name}.weight"], found[f"{name}.bias"] = shape, shape[:1]
    return found


def weights(dtype: str = "F32", without: str = "") -> bytes:
    item_bytes, rows, data = {"F32": 4, "F16": 2}[dtype], dict[str, Any](), b""
    for number, (name, shape) in enumerate(shapes().items()):
        count = 1
        for extent in shape:
            count *= extent
        if name != without:
            rows[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + count * item_bytes]}
            data += struct.pack(f"<{count}{'f' if dtype == 'F32' else 'e'}", *[number + 0.5] * count)
    header = json.dumps(rows).encode()
    header = header.ljust(-(-len(header) // 8) * 8)
    return struct.pack("<Q", len(header)) + header + data


def bert_files(dtype: str = "F32", **config: Any) -> dict[str, bytes]:
    """A sound one. ``config`` changes what config.json says."""
    return {
        "config.json": json.dumps({**CONFIG, **config}).encode(),
        "model.safetensors": weights(dtype),
        "vocab.txt": "\n".join(WORDS).encode(),
        "tokenizer_config.json": b'{"do_lower_case": true}',
        "sentence_bert_config.json": json.dumps({"max_seq_length": READS}).encode(),
        "1_Pooling/config.json": b'{"pooling_mode_mean_tokens": true, "pooling_mode_cls_token": false}',
        "README.md": CARD,
    }
