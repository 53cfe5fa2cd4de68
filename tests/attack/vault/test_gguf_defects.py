# SPDX-License-Identifier: Apache-2.0
"""Every file of assets/ is refused, for the defect that it is named for, and leaves the vault as it was."""

from pathlib import Path

import pytest
from tests.attack.vault.make_assets import defects

from freehold.errors import VaultError
from freehold.vault import Vault

ASSETS = Path(__file__).parent / "assets"
REASONS = {
    "2-to-the-64-keys": "announces 18446744073709551615 keys",
    "a-billion-tensors": "announces 1000000000 tensors",
    "adapter-not-a-model": "not a model by itself",
    "alignment-huge": "alignment is 2147483648",
    "alignment-not-a-power-of-two": "alignment is 24",
    "alignment-zero": "alignment is 0",
    "architecture-as-number": "'general.architecture' has type UINT32",
    "architecture-is-a-path": "'general.architecture' is missing or is not a plain word",
    "architecture-missing": "'general.architecture' is missing",
    "array-of-2-to-the-40": "announces 1099511627776 items",
    "array-of-arrays": "array of arrays",
    "array-past-the-end": "truncated in its header",
    "array-type-unknown": "unknown type 99",
    "big-endian": "big-endian",
    "context-as-text": "'llama.context_length' has type STRING",
    "context-beyond-counting": "'llama.context_length' is over 2147483647",
    "context-missing": "'llama.context_length' is missing",
    "context-zero": "'llama.context_length' is missing or 0",
    "empty-file": "not a GGUF file",
    "heads-as-text": "neither a number nor one number for each layer",
    "heads-for-a-million-layers": "neither a number nor one number for each layer",
    "key-not-utf8": "not UTF-8",
    "key-of-2-gigabytes": "has 2147483648 bytes",
    "key-twice": "'general.name' is there twice",
    "named-template-in-an-array": "'tokenizer.chat_template.tool_use' has type ARRAY",
    "no-tensors": "announces 0 tensors",
    "one-part-of-three": "one of 3 parts",
    "pickle-named-gguf": "not a GGUF file",
    "template-as-number": "'tokenizer.chat_template' has type UINT32",
    "template-in-an-array": "'tokenizer.chat_template' has type ARRAY",
    "template-not-utf8": "not UTF-8",
    "template-of-2-megabytes": "has 2097152 bytes",
    "tensor-extent-zero": "impossible shape",
    "tensor-name-too-long": "has 64 bytes",
    "tensor-offset-not-aligned": "lies at 129; its place is 128",
    "tensor-row-not-whole-blocks": "rows of 8, which Q4_0 cannot hold",
    "tensor-size-overflows": "impossible shape",
    "tensor-twice": "two tensors have the same name",
    "tensor-type-unknown": "unknown type 77",
    "tensor-with-five-dimensions": "has 5 dimensions",
    "tensor-without-dimensions": "has 0 dimensions",
    "tensors-leave-a-gap": "lies at 512; its place is 128",
    "tensors-overlap": "lies at 0; its place is 128",
    "tokenizer-is-no-word": "'tokenizer.ggml.model' is not a plain word",
    "truncated-in-the-header": "truncated in its header, by 2 bytes or more",
    "truncated-in-the-last-tensor": "truncated: 1 bytes are missing",
    "value-string-past-the-end": "truncated in its header",
    "value-type-unknown": "unknown type 13",
    "version-1": "GGUF version 1",
    "version-4": "GGUF version 4",
    "vocabulary-past-the-end": "over the limit",
    "zip-named-gguf": "not a GGUF file",
}


def test_every_defect_has_its_file_and_its_reason() -> None:
    assert {path.stem for path in ASSETS.iterdir()} == set(REASONS) == set(defects())


@pytest.mark.parametrize("defect", sorted(REASONS))
def test_a_defective_file_is_refused_for_its_defect(defect: str, tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")
    with pytest.raises(VaultError, match=REASONS[defect]):
        vault.import_model(str(ASSETS / f"{defect}.gguf"))
    left = [path for path in (tmp_path / "vault").rglob("*") if path.is_file() and path.name != "lock"]
    assert left == []
    assert vault.list() == ()
