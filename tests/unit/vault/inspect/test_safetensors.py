# SPDX-License-Identifier: Apache-2.0
import contextlib
import os
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.safetensors_builder import Safetensors, row

from freehold.errors import VaultError
from freehold.vault.inspect.safetensors import SafetensorsHeader, check_index, read_safetensors

SOUND = Safetensors().build()
HEADER_BYTES = 8 + len(Safetensors().header())


def read(content: bytes) -> SafetensorsHeader:
    fd = os.memfd_create("weights")
    try:
        os.write(fd, content)
        return read_safetensors(fd, len(content), "tiny")
    finally:
        os.close(fd)


def test_what_the_file_says_of_itself_is_read() -> None:
    header = read(SOUND)
    assert (header.parameters, header.dtype, sorted(header.tensors)) == (
        48,
        "F32",
        ["embeddings.weight", "norm.bias", "norm.weight"],
    )
    assert header.metadata == {"format": "pt", "license": "apache-2.0"}


def test_metadata_may_be_missing() -> None:
    assert read(Safetensors(rows={"a": row(0, 16)}, data_bytes=16).build()).metadata == {}


def test_rows_may_stand_in_any_order() -> None:
    rows = dict(reversed(Safetensors().rows.items()))
    assert read(Safetensors(rows=rows).build()).parameters == 48


def test_a_tensor_may_be_empty_and_one_may_be_a_number() -> None:
    rows = {"empty": row(0, 0, (0, 4)), "one": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]}}
    assert read(Safetensors(rows=rows, data_bytes=4).build()).parameters == 1


@pytest.mark.parametrize(
    ("dtype", "size_bytes"), [("F4", 4), ("F6_E2M3", 6), ("F8_E4M3", 8), ("BF16", 16), ("C64", 64)]
)
def test_types_of_any_width_are_measured_in_bits(dtype: str, size_bytes: int) -> None:
    assert read(Safetensors(rows={"a": row(0, size_bytes, (8,), dtype)}, data_bytes=size_bytes).build()).dtype == dtype


def test_any_truncation_is_refused() -> None:
    for length in range(len(SOUND)):
        with pytest.raises(VaultError):
            read(SOUND[:length])


def test_a_byte_too_many_is_refused() -> None:
    with pytest.raises(VaultError, match="has 1 bytes behind its last tensor"):
        read(SOUND + b"\0")


@given(st.lists(st.tuples(st.integers(0, HEADER_BYTES - 1), st.integers(0, 255)), max_size=8))
def test_mutated_headers_are_read_or_refused(changes: list[tuple[int, int]]) -> None:
    content = bytearray(SOUND)
    for place, byte in changes:
        content[place] = byte
    with contextlib.suppress(VaultError):
        read(bytes(content))


@given(st.text(max_size=300))
def test_any_text_for_a_header_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(VaultError):
        read(Safetensors(text="{" + text).build())


@given(st.integers(0, 2**64 - 1))
def test_no_claim_makes_the_reader_allocate(length: int) -> None:
    tracemalloc.start()
    try:
        read(Safetensors(length=length).build())
    except VaultError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 2**20


def headers() -> dict[str, SafetensorsHeader]:
    first = read(Safetensors(rows={"a": row(0, 16)}, data_bytes=16).build())
    return {"m/1.safetensors": first, "m/2.safetensors": read(Safetensors(rows={"b": row(0, 8)}, data_bytes=8).build())}


def test_an_index_fits_the_files_beside_it() -> None:
    index = {"weight_map": {"a": "1.safetensors", "b": "2.safetensors"}}
    check_index(index, "m/model.safetensors.index.json", headers())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("weight_map", "reason"),
    [
        ({"a": "1.safetensors"}, "names 1 tensors, and the files hold 2"),
        ({"a": "1.safetensors", "b": "1.safetensors"}, "is in '1.safetensors', and it is not"),
        ({"a": "1.safetensors", "b": "3.safetensors"}, "which is not there"),
        ({"a": "1.safetensors", "c": "2.safetensors"}, "says that the tensor 'c'"),
        ([], "has no weight_map"),
    ],
)
def test_an_index_that_does_not_fit_is_refused(weight_map: object, reason: str) -> None:
    with pytest.raises(VaultError, match=reason):
        check_index({"weight_map": weight_map}, "m/model.safetensors.index.json", headers())  # type: ignore[dict-item]
