# SPDX-License-Identifier: Apache-2.0
"""Files of rules with one defect each. None may come into force, and the message names file and line."""

import shutil
from pathlib import Path

import pytest
from tests.law_builder import NOW_UNIX

from freehold.contract.estate import Estate
from freehold.errors import PolicyInvalid
from freehold.policy.load import law_of, read_sources

ASSETS = Path(__file__).parent / "assets"
DEFECTS = {
    "syntax_error": r"line 2: Policy parse error",
    "unknown_attribute": r"line 9: attribute 'authoritys' on entity type 'Freehold::Backend' not found",
    "wrong_type": r"line 1: the types String and Set<String> are not compatible",
    "no_id": r"line 1: the rule needs a name, such as @id",
    "same_id_twice": r"line 5: @id\('twice'\) is taken by policies/same_id_twice\.cedar, line 1",
    "id_of_a_shipped_rule": r"line 1: @id\('key-lists-service'\) is taken by sets/always\.cedar, line 3",
    "id_of_no_rule": r"line 1: @id\('default-deny'\) is what a decision without a rule is called",
    "template": r"line 1: the rule that begins here is a template",
    "unknown_group": r"line 3: there is no group of states 'NATO'; there are EU, EEA, ADEQUATE",
    "empty_set": r"line 1: empty set literals are forbidden",
    "unknown_entity": r"line 2: unrecognized entity type 'User'",
    "unknown_action": r"line 1: .*train",
    "not_utf8": r"cannot be read as UTF-8 text",
    "id_that_is_a_sentence": r"line 1: the rule needs a name",
}


def test_every_asset_has_its_defect_named() -> None:
    assert {path.stem for path in ASSETS.iterdir()} == DEFECTS.keys()


@pytest.mark.parametrize("defect", DEFECTS)
@pytest.mark.parametrize("set_name", ["owned-only", "open"])
def test_a_rule_that_is_not_sound_does_not_come_into_force(tmp_path: Path, defect: str, set_name: str) -> None:
    estate = Estate(tmp_path)
    estate.policies.mkdir()
    shutil.copy(ASSETS / f"{defect}.cedar", estate.policies)
    with pytest.raises(PolicyInvalid, match=DEFECTS[defect]) as refusal:
        law_of(read_sources(estate, set_name), now_unix=NOW_UNIX)
    assert refusal.value.message.startswith(f"policies/{defect}.cedar")


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    estate = Estate(tmp_path)
    estate.policies.mkdir()
    (estate.policies / "large.cedar").write_bytes(b" " * (2**20 + 1))
    with pytest.raises(PolicyInvalid, match="is larger than"):
        read_sources(estate, "owned-only")


@pytest.mark.parametrize(
    "condition",
    [
        "(" * 5000 + "true" + ")" * 5000,
        "[" * 5000 + "1" + "]" * 5000 + " == [1]",
        " && ".join(["true"] * 20_000),
        "+".join(["1"] * 20_000) + " > 0",
        "if true then true else " * 20_000 + "true",
        "resource" + ".owned" * 20_000,
        "!" * 20_000 + "true",
    ],
    ids=["brackets", "sets", "and", "sums", "ifs", "attributes", "nots"],
)
def test_nesting_beyond_measure_is_refused_and_ends_no_process(tmp_path: Path, condition: str) -> None:
    estate = Estate(tmp_path)
    estate.policies.mkdir()
    rule = f'@id("deep") permit (principal, action, resource) when {{ {condition} }};'
    (estate.policies / "deep.cedar").write_text(rule)
    with pytest.raises(PolicyInvalid, match=r"policies/deep\.cedar, line 1: .*(nested too deeply|too many)"):
        law_of(read_sources(estate, "owned-only"), now_unix=NOW_UNIX)
