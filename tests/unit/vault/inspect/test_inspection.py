# SPDX-License-Identifier: Apache-2.0
import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import SimpleNamespace

import pytest
from tests.attack.vault.make_templates import SOUND
from tests.gguf_builder import Gguf, text
from tests.safetensors_builder import Safetensors, row

from freehold.contract.licence import LicenceBook, ModelOrigin
from freehold.errors import VaultError
from freehold.vault.inspect import Inspection, inspect

Look = Callable[[dict[str, bytes]], Inspection]
FILES = {
    "config.json": b'{"model_type": "llama"}',
    "model.safetensors": Safetensors().build(),
    "tokenizer_config.json": json.dumps({"chat_template": SOUND}).encode(),
    "README.md": b"---\nlicense: apache-2.0\n---\nA model.\n",
}


@pytest.fixture
def look() -> Iterator[Look]:
    """Inspects files from memory."""
    with ExitStack() as opened:

        def run(files: dict[str, bytes]) -> Inspection:
            there = {}
            for path, content in files.items():
                fd = os.memfd_create("file")
                opened.callback(os.close, fd)
                os.write(fd, content)
                there[path] = SimpleNamespace(fd=fd, size_bytes=len(content))
            return inspect(there, origin=ModelOrigin(), book=LicenceBook())

        yield run


def test_a_sound_model_passes_with_nothing_to_approve(look: Look) -> None:
    inspection = look(FILES)
    assert (inspection.refused, inspection.to_approve) == ((), ())
    assert [finding.rule for finding in inspection.notes] == ["licence.stated"]
    assert inspection.licence_names == ("apache-2.0",)
    inspection.require("tiny")


def test_a_sound_gguf_passes_under_any_plain_name(look: Look) -> None:
    for name in ("tiny.gguf", "weights", "Tiny Model.Q4.part", "b179c952"):
        assert look({name: Gguf().build()}).refused == ()


def test_the_templates_are_those_of_all_places(look: Look) -> None:
    named = Gguf().with_value("tokenizer.chat_template.tools", text("{{ tools }}")).build()
    assert sorted(template.name for template in look({"m.gguf": named}).templates) == ["default", "tools"]
    inspection = look({**FILES, "chat_template.jinja": b"{{ bos_token }}", "additional_chat_templates/x.jinja": b"x"})
    assert sorted(template.name for template in inspection.templates) == ["chat_template", "default", "x"]


def test_python_in_a_repository_refuses_all_of_it(look: Look) -> None:
    refused = look({**FILES, "modeling_x.py": b"x = 1\n"}).refused
    assert [(finding.place, finding.rule) for finding in refused] == [("modeling_x.py", "format.kind")]


def test_a_pickle_beside_safetensors_refuses_all_of_it(look: Look) -> None:
    refused = look({**FILES, "pytorch_model.bin": b"\x80\x02}."}).refused
    assert [finding.place for finding in refused] == ["pytorch_model.bin"]


def test_an_index_is_held_against_the_files(look: Look) -> None:
    index = {"weight_map": {name: "model.safetensors" for name in Safetensors().rows if name != "__metadata__"}}
    path = "model.safetensors.index.json"
    assert look({**FILES, path: json.dumps(index).encode()}).refused == ()
    other = {
        **FILES,
        path: json.dumps(index).encode(),
        "model.safetensors": Safetensors(rows={"a": row(0, 176)}).build(),
    }
    assert [finding.rule for finding in look(other).refused] == ["format.index"]


def test_every_reason_is_told_at_once(look: Look) -> None:
    broken = {**FILES, "x.py": b"x = 1\n", "config.json": b'{"auto_map": {"a": "b.c"}}', "vocab.txt": b"\xff"}
    with pytest.raises(VaultError) as refusal:
        look(broken).require("tiny")
    assert all(word in refusal.value.message for word in ("tiny: ", "x.py", "auto_map", "vocab.txt"))
    assert "docs/reference/inspection.md" in refusal.value.advice


def test_a_file_that_is_too_large_for_its_kind_is_not_read(look: Look) -> None:
    assert "at most 1048576 are read" in look({**FILES, "LICENSE": b"a" * (2**20 + 1)}).refused[0].message


def test_a_note_about_the_same_thing_is_told_once(look: Look) -> None:
    findings = look({**FILES, "model.gguf": Gguf().build()}).findings
    assert len(findings) == len(set(findings))
