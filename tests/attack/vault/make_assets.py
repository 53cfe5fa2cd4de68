# SPDX-License-Identifier: Apache-2.0
"""Writes the GGUF files of assets/, each with the one defect that it is named for.

Run from the repository's root, and only to add a file: ``python -m tests.attack.vault.make_assets``.
"""

from pathlib import Path

from tests.gguf_builder import (
    ARRAY,
    INT32,
    STRING,
    UINT16,
    UINT32,
    UINT64,
    Gguf,
    Tensor,
    Value,
    array,
    number,
    sound_values,
    string,
    text,
    u32,
    u64,
)

ASSETS = Path(__file__).parent / "assets"
SOUND = Gguf()
EMBEDDING, NORM = SOUND.tensors


def defects() -> dict[str, bytes]:
    """Every asset's bytes, by the name of its defect."""
    return {
        "empty-file": b"",
        "pickle-named-gguf": b"\x80\x04cposix\nsystem\n(S'true'\ntR.",
        "zip-named-gguf": b"PK\x03\x04" + bytes(60),
        "version-1": Gguf(version=1).build(),
        "version-4": Gguf(version=4).build(),
        "big-endian": Gguf(version=0x03000000).build(),
        "no-tensors": Gguf(tensors=()).build(),
        "a-billion-tensors": Gguf(tensor_count=10**9).build(),
        "2-to-the-64-keys": Gguf(key_count=2**64 - 1).build(),
        "key-of-2-gigabytes": b"GGUF" + u32(3) + u64(1) + u64(1) + u64(2**31),
        "key-not-utf8": _with_key(b"general.\xff\xfe"),
        "key-twice": Gguf(values=(*sound_values(), ("general.name", text("Other")))).build(),
        "value-type-unknown": SOUND.with_value("general.x", Value(13, u32(0))).build(),
        "value-string-past-the-end": SOUND.with_value("zz.last", Value(STRING, u64(2**23))).build(),
        "array-of-arrays": SOUND.with_value("general.x", Value(ARRAY, array(ARRAY, array(UINT32, u32(1))))).build(),
        "array-type-unknown": SOUND.with_value("general.x", Value(ARRAY, array(99))).build(),
        "array-of-2-to-the-40": SOUND.with_value("general.x", Value(ARRAY, u32(UINT64) + u64(2**40))).build(),
        "array-past-the-end": SOUND.with_value("general.x", Value(ARRAY, u32(UINT64) + u64(2**20))).build(),
        "vocabulary-past-the-end": SOUND.with_value("general.x", Value(ARRAY, u32(STRING) + u64(2**20))).build(),
        "template-in-an-array": _template(Value(ARRAY, array(STRING, string("{{ evil }}")))),
        "template-as-number": _template(number(7)),
        "template-not-utf8": _template(text(b"\xc3\x28")),
        "template-of-2-megabytes": _template(Value(STRING, u64(2**21))),
        "named-template-in-an-array": SOUND.with_value(
            "tokenizer.chat_template.tool_use", Value(ARRAY, array(STRING, string("{{ evil }}")))
        ).build(),
        "architecture-missing": SOUND.without("general.architecture").build(),
        "architecture-as-number": SOUND.with_value("general.architecture", number(1)).build(),
        "architecture-is-a-path": SOUND.with_value("general.architecture", text("../llama")).build(),
        "tokenizer-is-no-word": SOUND.with_value("tokenizer.ggml.model", text("gpt2\n")).build(),
        "context-missing": SOUND.without("llama.context_length").build(),
        "context-zero": SOUND.with_value("llama.context_length", number(0)).build(),
        "context-beyond-counting": SOUND.with_value("llama.context_length", number(2**31)).build(),
        "context-as-text": SOUND.with_value("llama.context_length", text("64")).build(),
        "heads-as-text": SOUND.with_value("llama.attention.head_count", text("2")).build(),
        "heads-for-a-million-layers": SOUND.with_value(
            "llama.attention.head_count", Value(ARRAY, u32(INT32) + u64(10**6))
        ).build(),
        "adapter-not-a-model": SOUND.with_value("general.type", text("adapter")).build(),
        "one-part-of-three": SOUND.with_value("split.count", Value(UINT16, b"\3\0")).build(),
        "alignment-not-a-power-of-two": SOUND.with_value("general.alignment", number(24)).build(),
        "alignment-zero": SOUND.with_value("general.alignment", number(0)).build(),
        "alignment-huge": SOUND.with_value("general.alignment", number(2**31)).build(),
        "tensor-type-unknown": _tensors(Tensor("a", kind=77)),
        "tensor-without-dimensions": _tensors(Tensor("a", shape=())),
        "tensor-with-five-dimensions": _tensors(Tensor("a", shape=(1, 1, 1, 1, 1))),
        "tensor-extent-zero": _tensors(Tensor("a", shape=(0, 4))),
        "tensor-size-overflows": Gguf(tensors=(Tensor("a", shape=(2**32, 2**32, 2**32)),)).header(),
        "tensor-row-not-whole-blocks": _tensors(Tensor("a", shape=(8, 4), kind=2)),
        "tensor-name-too-long": _tensors(Tensor("a" * 64)),
        "tensor-twice": _tensors(EMBEDDING, EMBEDDING),
        "tensors-overlap": _tensors(EMBEDDING, Tensor("b", (8,), offset=0)),
        "tensors-leave-a-gap": _tensors(EMBEDDING, Tensor("b", (8,), offset=512)),
        "tensor-offset-not-aligned": _tensors(EMBEDDING, Tensor("b", (8,), offset=129)),
        "truncated-in-the-header": SOUND.build()[:300],
        "truncated-in-the-last-tensor": SOUND.build()[:-1],
    }


def _with_key(key: bytes) -> bytes:
    return SOUND.build().replace(string("general.name"), string(key))


def _template(value: Value) -> bytes:
    return SOUND.with_value("tokenizer.chat_template", value).build()


def _tensors(*tensors: Tensor) -> bytes:
    return Gguf(tensors=tensors).build()


if __name__ == "__main__":
    ASSETS.mkdir(exist_ok=True)
    for defect, content in defects().items():
        (ASSETS / f"{defect}.gguf").write_bytes(content)
