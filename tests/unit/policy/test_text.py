# SPDX-License-Identifier: Apache-2.0
import pytest

from freehold.contract.law import RuleFile
from freehold.errors import PolicyInvalid
from freehold.policy.text import filled, pieces

GROUPS = {"EU": ["FR", "DE"], "ADEQUATE": ["CH", "FR"], "EMPTY": []}


def texts(text: str) -> list[tuple[int, str]]:
    return [(piece.line, piece.text) for piece in pieces(RuleFile(name="f", text=text))]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("[/*EU*/]", '["DE", "FR"]'),
        ("a [/*EU+ADEQUATE*/] b [/*ADEQUATE*/]", 'a ["CH", "DE", "FR"] b ["CH", "FR"]'),
        ("[/*EMPTY*/]", '["none"]'),
        ("[ /*EU*/ ]", "[ /*EU*/ ]"),
    ],
)
def test_placeholders_are_written_out_in_order(text: str, written: str) -> None:
    assert filled(RuleFile(name="f", text=text), GROUPS).text == written


def test_a_group_that_there_is_not_is_named_with_its_line() -> None:
    with pytest.raises(PolicyInvalid, match=r"^f, line 3: there is no group of states 'NATO'"):
        filled(RuleFile(name="f", text="\n\n[/*EU+NATO*/]"), GROUPS)


def test_each_rule_has_the_line_on_which_it_begins() -> None:
    assert texts('// one; two\n@id("a;\\"//") permit (x)\nwhen { "}" == y };\n\n  forbid(z);rest') == [
        (2, '@id("a;\\"//") permit (x)\nwhen { "}" == y };'),
        (5, "forbid(z);"),
        (5, "rest"),
    ]


@pytest.mark.parametrize("text", ["", "\n \t", "// only a comment; no rule", "// without a line end"])
def test_a_file_may_have_no_rule(text: str) -> None:
    assert texts(text) == []


def test_a_semicolon_inside_brackets_ends_nothing() -> None:
    assert texts("permit (a; b) when { c; };") == [(1, "permit (a; b) when { c; };")]
