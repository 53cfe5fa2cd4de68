# SPDX-License-Identifier: Apache-2.0
import pytest

from freehold.vault.inspect.members import Role, is_loaded_otherwise, role_of, what_is_wrong_with


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("model-00001-of-00002.safetensors", Role.WEIGHTS),
        ("Model.Q4_K_M.GGUF", Role.WEIGHTS),
        ("model.safetensors.index.json", Role.INDEX),
        ("config.json", Role.JSON),
        ("1_Pooling/config.json", Role.JSON),
        ("tokenizer.json", Role.JSON),
        ("merges.txt", Role.TEXT),
        ("chat_template.jinja", Role.TEMPLATE),
        ("additional_chat_templates/tools.jinja", Role.TEMPLATE),
        ("LICENSE", Role.LICENCE),
        ("LICENSE.txt", Role.LICENCE),
        ("MODEL-LICENSE.md", Role.LICENCE),
        ("data/GEMMA_TERMS.html", Role.LICENCE),
        ("USE_POLICY.md", Role.LICENCE),
        ("README.md", Role.README),
        ("README.upstream.md", Role.README),
    ],
)
def test_files_of_models_have_their_role(path: str, role: Role) -> None:
    assert role_of(path) is role
    assert what_is_wrong_with(path) == ""


@pytest.mark.parametrize(
    "path",
    [
        "modeling_x.py",
        "pytorch_model.bin",
        "training_args.bin",
        "tokenizer.model",
        "model.onnx",
        "config.json.py",
        "run.sh",
        "README.md.exe",
        "licence.bin",
        "other.json",
        ".safetensors",
        "",
    ],
)
def test_other_files_have_none(path: str) -> None:
    assert role_of(path) is None


@pytest.mark.parametrize("path", ["pytorch_model.bin", "a/model.PT", "x.ckpt", "w.npz", "m.keras", "archive.tar.gz"])
def test_names_that_loaders_take_for_something_else_are_known(path: str) -> None:
    assert is_loaded_otherwise(path)
    assert not is_loaded_otherwise("model.gguf")


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "../x", "a/../b", "a//b", "./a", "a\\b", "c:a", "a\0b", "a\u202eb", "a/" * 9 + "b", "a" * 513],
)
def test_paths_that_lead_out_or_cannot_be_shown_are_refused(path: str) -> None:
    assert what_is_wrong_with(path) != ""
