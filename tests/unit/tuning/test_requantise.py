# SPDX-License-Identifier: Apache-2.0
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFReader
from gguf.quants import dequantize
from tests.tuning_builder import exotic_model, tiny_model, write_model

from freehold.tuning.formats import FORMATS
from freehold.tuning.requantise import Refused, requantise
from freehold.vault.describing import Facts, OpenFile, read_facts


@contextmanager
def descriptors(source: Path, draft: Path) -> Iterator[tuple[int, int]]:
    pair = os.open(source, os.O_RDONLY), os.open(draft, os.O_RDWR | os.O_CREAT)
    try:
        yield pair
    finally:
        for descriptor in pair:
            os.close(descriptor)


def written(folder: Path, content: bytes, name: str, *, source: str = "") -> Path:
    draft = folder / f"{name}{source}.gguf"
    with descriptors(write_model(folder, content), draft) as (source_fd, draft_fd):
        requantise(source_fd, draft_fd, FORMATS[name])
    return draft


def facts_of(path: Path) -> Facts:
    with path.open("rb") as file:
        return read_facts({path.name: OpenFile(fd=file.fileno(), size_bytes=path.stat().st_size)}, path.name)


def weights(path: Path, name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    tensor = next(tensor for tensor in GGUFReader(path).tensors if tensor.name == name)
    return dequantize(tensor.data, tensor.tensor_type)


@pytest.mark.parametrize(("name", "most"), [("q8_0", 0.005), ("q5_0", 0.07), ("q4_1", 0.08), ("q4_0", 0.13)])
def test_the_numbers_are_rounded_and_no_more(tmp_path: Path, name: str, most: float) -> None:
    draft = written(tmp_path, tiny_model(), name)
    original, rounded = (weights(path, "blk.0.ffn_up.weight") for path in (tmp_path / "Tiny.gguf", draft))
    assert 0 < np.abs(original - rounded).max() < most


def test_what_the_file_says_of_itself_stays_but_for_its_format(tmp_path: Path) -> None:
    before = facts_of(write_model(tmp_path))
    after = facts_of(written(tmp_path, tiny_model(), "q4_0"))
    assert after.quantisation == "Q4_0"
    assert (after.tokenizer_digest, after.chat_template_digest) == (
        before.tokenizer_digest,
        before.chat_template_digest,
    )
    assert (after.parameters, after.title, after.licence) == (before.parameters, before.title, before.licence)


def test_the_same_file_gives_the_same_bytes(tmp_path: Path) -> None:
    assert (
        written(tmp_path, tiny_model(), "q8_0").read_bytes()
        == written(tmp_path, tiny_model(), "q8_0", source="2").read_bytes()
    )


def test_a_file_that_does_not_name_its_format_names_it_afterwards(tmp_path: Path) -> None:
    draft = written(tmp_path, tiny_model(without="general.file_type"), "q8_0")
    assert facts_of(draft).quantisation == "Q8_0"


def test_a_file_that_was_rounded_is_rounded_again(tmp_path: Path) -> None:
    once = written(tmp_path, tiny_model(), "q4_1").read_bytes()
    twice = written(tmp_path, once, "q8_0", source="of-q4_1")
    assert facts_of(twice).quantisation == "Q8_0"
    assert (
        np.abs(weights(tmp_path / "q4_1.gguf", "blk.0.ffn_up.weight") - weights(twice, "blk.0.ffn_up.weight")).max()
        < 0.01
    )


def test_a_type_that_the_package_cannot_read_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"cannot read Q1_0, which blk\.0\.ffn_up\.weight has"):
        written(tmp_path, exotic_model(), "q8_0")


def test_a_model_in_which_nothing_would_change_is_refused(tmp_path: Path) -> None:
    content = written(tmp_path, tiny_model(), "q8_0").read_bytes()
    with pytest.raises(Refused, match="no tensor of it can be written as q8_0"):
        written(tmp_path, content, "q8_0", source="again")
