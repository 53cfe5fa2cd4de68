# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from freehold.admin.retargeting import replace_file, with_model
from freehold.errors import EstateError

TOML = """\
# of the estate
[service.default]
targets = ["local"]

[target.local]
engine = "llamacpp"
model = "tiny"  # as 'freehold vault list' names it
# model = "tiny"

[target.other]
engine = "llamacpp"
model = 'tiny'
"""


def test_one_value_changes_and_not_a_byte_beside_it() -> None:
    changed = with_model(TOML, ["local"], "tiny", "tiny-q8_0")
    assert changed == TOML.replace('model = "tiny"  #', 'model = "tiny-q8_0"  #', 1)


def test_several_targets_change_at_once() -> None:
    changed = with_model(TOML, ["local", "other"], "tiny", "tiny-q8_0")
    assert changed is not None
    assert changed.count("tiny-q8_0") == 2
    assert "model = 'tiny-q8_0'" in changed


@pytest.mark.parametrize(
    "text",
    [
        '[target]\nlocal = { engine = "llamacpp", model = "tiny" }\n',
        'target.local.model = "tiny"\ntarget.local.engine = "llamacpp"\n',
        '[target.local]\nmodel = """tiny"""\n',
        '[target.local]\nmodel = "\\u0074iny"\n',
        '[target.local]\nengine = "llamacpp"\n[target.local.more]\nmodel = "tiny"\n',
        '[service.a]\nnote = """\n[target.local]\nmodel = "tiny"\n"""\n',
        "[target.elsewhere]\n",
        "not toml",
    ],
)
def test_what_is_not_plain_to_change_is_left_alone(text: str) -> None:
    assert with_model(text, ["local"], "tiny", "tiny-q8_0") is None


def test_line_ends_of_another_system_stay() -> None:
    windows = TOML.replace("\n", "\r\n")
    changed = with_model(windows, ["local"], "tiny", "tiny-q8_0")
    assert changed is not None
    assert changed.count("\r\n") == windows.count("\r\n")


def test_a_file_is_replaced_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "freehold.toml"
    path.write_text("old")
    path.chmod(0o640)
    replace_file(path, "new")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o640)
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_gone_is_an_error_of_the_estate(tmp_path: Path) -> None:
    with pytest.raises(EstateError, match="cannot be written"):
        replace_file(tmp_path / "nowhere" / "freehold.toml", "new")
