# SPDX-License-Identifier: Apache-2.0
import pytest

from freehold.vault.inspect.licences import Statement, of_readme, of_text


def front(matter: str) -> Statement | None:
    return next(of_readme(f"---\n{matter}---\n# A model\nlicense: mit\n", "README.md"), None)


@pytest.mark.parametrize(
    ("matter", "names"),
    [
        ("license: apache-2.0\n", ("apache-2.0",)),
        ("license: 'gemma'\r\n", ("gemma",)),
        ("license: other\nlicense_name: llama4\nlicense_link: x\n", ("other", "llama4")),
        ("license:\n- mit\n- apache-2.0\n", ("mit", "apache-2.0")),
        ("license: [mit, apache-2.0]\n", ("mit", "apache-2.0")),
        ("license: mit\nlicense: gemma\n", ("mit", "gemma")),
    ],
)
def test_the_names_in_front_matter_are_read(matter: str, names: tuple[str, ...]) -> None:
    said = front(matter)
    assert said is not None
    assert said.names == names


def test_base_models_are_read_as_repositories() -> None:
    said = front("base_model:\n  - google/gemma-3-270m\n  - https://huggingface.co/a/b\n  - not one\n")
    assert said is not None
    assert said.base_models == ("google/gemma-3-270m", "a/b")


@pytest.mark.parametrize("text", ["", "# A model\nlicense: mit\n", "---\nlicense: mit\n", "--- x\nlicense: mit\n---\n"])
def test_what_is_no_front_matter_says_nothing(text: str) -> None:
    assert list(of_readme(text, "README.md")) == []


def test_a_notice_is_no_licence_and_an_empty_file_says_nothing() -> None:
    assert [said.is_notice for said in of_text("x", "data/NOTICE.md")] == [True]
    assert [said.is_notice for said in of_text("x", "LICENSE")] == [False]
    assert list(of_text(" \n", "LICENSE")) == []
