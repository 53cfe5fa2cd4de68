# SPDX-License-Identifier: Apache-2.0
import contextlib
import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gguf_builder import ARRAY, STRING, TEMPLATE, UINT32, Gguf, Tensor, Value, array, number, string, text, u32

from freehold.errors import VaultError
from freehold.vault.inspect.gguf import GgufHeader, read_header

SOUND = Gguf().build()


def read(content: bytes) -> GgufHeader:
    fd = os.memfd_create("weights")
    try:
        os.write(fd, content)
        return read_header(fd, len(content), "tiny")
    finally:
        os.close(fd)


def test_what_the_file_says_of_itself_is_read() -> None:
    assert read(SOUND) == GgufHeader(
        architecture="llama",
        title="Tiny",
        quantisation="F32",
        parameters=40,
        context_train_tokens=64,
        kv_bytes_per_token=2 * 2 * 1 * (4 + 4),
        templates={"tokenizer.chat_template": TEMPLATE},
        tokenizer="gpt2",
        tokenizer_digest=read(SOUND).tokenizer_digest,
        licence="apache-2.0",
    )


def test_version_2_is_read() -> None:
    assert read(Gguf(version=2).build()).architecture == "llama"


def test_a_file_may_do_without_template_title_licence_and_tokenizer() -> None:
    keys = ("general.name", "general.license", "tokenizer.ggml.model", "tokenizer.chat_template", "general.type")
    file = Gguf()
    for key in keys:
        file = file.without(key)
    header = read(file.build())
    assert (header.title, header.licence, header.tokenizer, header.chat_template) == ("", "", "", "")


def test_the_architecture_may_come_after_its_keys() -> None:
    first, *rest = Gguf().values
    assert read(Gguf(values=(*rest, first)).build()).context_train_tokens == 64


def test_heads_may_differ_from_layer_to_layer() -> None:
    heads = Value(ARRAY, array(UINT32, u32(2), u32(0)))
    header = read(Gguf().with_value("llama.attention.head_count_kv", heads).build())
    assert header.kv_bytes_per_token == 2 * (2 + 0) * (4 + 4)


def test_stated_key_and_value_lengths_count_before_the_embedding() -> None:
    file = Gguf().with_value("llama.attention.key_length", number(16))
    assert read(file.with_value("llama.attention.value_length", number(32)).build()).kv_bytes_per_token == 2 * 2 * 48


def test_without_heads_the_cache_size_is_unknown() -> None:
    assert read(Gguf().without("llama.attention.head_count").build()).kv_bytes_per_token == 0


@pytest.mark.parametrize("stated", [number(3), number(3 | 1024)])
def test_the_stated_quantisation_counts(stated: Value) -> None:
    assert read(Gguf().with_value("general.file_type", stated).build()).quantisation == "Q4_1"


def test_an_unknown_quantisation_is_that_of_most_weights() -> None:
    assert read(Gguf().with_value("general.file_type", number(999)).build()).quantisation == "F32"


def test_a_title_that_could_steer_a_terminal_is_dropped() -> None:
    assert read(Gguf().with_value("general.name", text("Tiny\x1b[2J")).build()).title == ""


def test_a_model_that_pools_its_outputs_makes_vectors() -> None:
    assert not read(Gguf().build()).embeds
    assert read(Gguf(values=(*Gguf().values, ("llama.pooling_type", number(1)))).build()).embeds


def test_padding_after_the_last_tensor_is_allowed() -> None:
    assert read(SOUND + bytes(32)).parameters == 40


def test_a_stated_alignment_moves_the_tensors() -> None:
    file = Gguf(alignment=256).with_value("general.alignment", number(256))
    assert read(file.build()).parameters == 40


def test_a_vocabulary_may_span_many_windows() -> None:
    tokens = Value(ARRAY, array(STRING, *[string(b"token" * 9)] * 60_000))
    merges = Value(ARRAY, array(STRING, string(b"m" * 3 * 2**20), string("")))
    file = Gguf().with_value("tokenizer.ggml.tokens", tokens).with_value("tokenizer.ggml.merges", merges)
    assert read(file.with_value("general.late", text("read")).build()).chat_template == TEMPLATE


def test_any_truncation_is_refused() -> None:
    for length in range(len(SOUND)):
        with pytest.raises(VaultError, match=r"truncated|not a GGUF file"):
            read(SOUND[:length])


def test_a_truncated_file_is_refused_with_what_is_missing() -> None:
    with pytest.raises(VaultError, match="truncated: 7 bytes are missing"):
        read(SOUND[:-7])


def test_the_descriptor_is_left_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(SOUND)
    with path.open("rb") as file:
        read_header(file.fileno(), len(SOUND), "tiny")
        assert os.lseek(file.fileno(), 0, os.SEEK_CUR) == 0


HEADER_BYTES = len(Gguf().header())
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF)


@given(
    st.lists(st.tuples(st.integers(0, HEADER_BYTES - 1), st.sampled_from(EXTREMES) | st.integers(0, 255)), max_size=8)
)
def test_mutated_headers_are_read_or_refused(changes: list[tuple[int, int]]) -> None:
    content = bytearray(SOUND)
    for place, byte in changes:
        content[place] = byte
    with contextlib.suppress(VaultError):
        read(bytes(content))


@given(st.binary(max_size=400))
def test_anything_behind_the_magic_is_read_or_refused(rest: bytes) -> None:
    with pytest.raises(VaultError):
        read(b"GGUF\x03\0\0\0" + rest)


@given(st.integers(0, HEADER_BYTES - 8), st.sampled_from((2**26, 2**31, 2**32 - 1, 2**40, 2**63, 2**64 - 1)))
def test_no_claim_makes_the_reader_allocate(place: int, claim: int) -> None:
    content = bytearray(SOUND)
    content[place : place + 8] = claim.to_bytes(8, "little")
    tracemalloc.start()
    try:
        read(bytes(content))
    except VaultError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 4 * 2**20


def test_many_tensors_are_read() -> None:
    tensors = tuple(Tensor(f"blk.{index}.weight", (8,)) for index in range(2000))
    assert read(Gguf(tensors=tensors).build()).parameters == 16_000
