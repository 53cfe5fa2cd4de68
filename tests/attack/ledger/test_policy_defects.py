# SPDX-License-Identifier: Apache-2.0
"""Trust policies that say nothing clear are refused whole; those that ask for more than there is are not met."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.attack.ledger.policy_assets import cosigned_by_two, malformed_policies, sound_policies, unreached_policies
from tests.oracle.policies import accept, read_policy
from tests.oracle.refused import Refused

from freehold.errors import TrustInvalid, VerificationFailed
from freehold.ledger.check.trust import parse_policy

ASSETS = Path(__file__).parent / "assets" / "policies"
CHECKPOINT = ASSETS / "cosigned-by-two.note"
MALFORMED = {
    "empty": "has no quorum",
    "no-quorum": "has no quorum",
    "two-quorums": "line 4 of the policy: there is a quorum already",
    "quorum-without-a-name": "line 3 of the policy: expected 'quorum NAME'",
    "quorum-of-two-names": "line 6 of the policy: expected 'quorum NAME'",
    "quorum-undefined": "line 3 of the policy: lyon is no witness and no group",
    "quorum-defined-later": "line 2 of the policy: paris is no witness and no group of an earlier line",
    "quorum-in-capitals": "'Quorum' is no word of a policy",
    "word-unknown": "'require' is no word of a policy: expected log, witness, group or quorum",
    "log-without-a-key": "line 1 of the policy: expected 'log VKEY [URL]'",
    "log-key-malformed": "has 29 bytes, expected 32",
    "log-key-id-wrong": "has id 0007c5d4, expected 007c5d44",
    "log-key-in-hex": "expected NAME+ID+BASE64",
    "log-with-a-witness-s-key": "is of type 0x04, expected 0x01",
    "log-twice": "stands in an earlier line",
    "log-twice-under-two-names": "the public key of log other.example/ledger stands in an earlier line",
    "log-with-two-urls": "expected 'log VKEY [URL]'",
    "witness-without-a-key": "expected 'witness NAME VKEY [URL]'",
    "witness-without-a-name": "expected 'witness NAME VKEY [URL]'",
    "witness-with-a-log-s-key": "is of type 0x01, expected 0x04",
    "witness-named-none": "the name none is taken",
    "witness-name-twice": "the name paris is taken",
    "witness-key-twice": "the public key of lutetia is that of paris",
    "witness-key-twice-under-two-names": "the public key of lutetia is that of paris",
    "group-without-members": "expected 'group NAME all|any|K NAME...'",
    "group-without-a-threshold": "'paris' is no threshold",
    "group-of-zero": "'0' is no threshold: expected all, any, or a number from 1 to 2",
    "group-of-more-than-there-are": "'3' is no threshold: expected all, any, or a number from 1 to 2",
    "group-below-zero": "'-1' is no threshold",
    "group-threshold-in-hex": "'0x1' is no threshold",
    "group-threshold-in-other-digits": "is no threshold",
    "group-threshold-in-capitals": "'ALL' is no threshold",
    "group-of-an-unknown": "lyon is no witness and no group",
    "group-of-one-defined-later": "h is no witness and no group of an earlier line",
    "group-of-itself": "g is no witness and no group of an earlier line",
    "group-of-none": "none is no witness and no group",
    "group-name-twice": "the name g is taken",
    "group-named-as-a-witness": "the name paris is taken",
    "group-named-none": "the name none is taken",
    "member-twice-in-a-group": "paris is a member of a group already",
    "member-of-two-groups": "paris is a member of a group already",
    "comment-behind-a-line": "line 3 of the policy: expected 'quorum NAME'",
    "carriage-returns": "the octet 0x0d",
    "nul": "the octet 0x00",
    "delete": "the octet 0x7f",
    "form-feed-for-a-space": "the octet 0x0c",
    "space-of-unicode": "is no word of a policy",
}
UNREACHED = {
    "witness-that-did-not-sign": "expected rome, found paris, berlin",
    "all-of-three": "expected 3 of paris, berlin, rome (group g), found paris, berlin",
    "group-within-not-reached": "expected 3 of paris, berlin, g (group h), found paris, berlin",
    "witness-of-another-key": "expected paris, found nobody",
    "witness-of-another-name": "expected paris, found nobody",
    "witness-unknown-to-the-checkpoint": "expected w, found nobody",
    "log-of-another-key": "expected estate.example/ledger+15ae8344, found estate.example/ledger+007c5d44",
    "log-of-another-name": "expected other.example/ledger+45e2f364, found estate.example/ledger+007c5d44",
    "no-log": "expected none, for the policy names no log",
    "witnesses-alone": "expected none, for the policy names no log",
}


@pytest.mark.parametrize("defect", sorted(MALFORMED))
def test_a_malformed_policy_is_refused_with_its_line(defect: str) -> None:
    policy = (ASSETS / "malformed" / f"{defect}.policy").read_bytes()
    with pytest.raises(TrustInvalid) as refusal:
        parse_policy(policy)
    assert MALFORMED[defect] in refusal.value.message
    with pytest.raises(Refused):
        read_policy(policy)


@pytest.mark.parametrize("wish", sorted(UNREACHED))
def test_a_policy_that_asks_for_more_is_not_met(wish: str) -> None:
    policy = (ASSETS / "unreached" / f"{wish}.policy").read_bytes()
    with pytest.raises(VerificationFailed) as refusal:
        parse_policy(policy).open(CHECKPOINT.read_bytes())
    assert UNREACHED[wish] in refusal.value.message
    with pytest.raises(Refused):
        accept(read_policy(policy), CHECKPOINT.read_bytes())


@pytest.mark.parametrize("name", sorted(sound_policies()))
def test_a_sound_policy_is_met(name: str) -> None:
    policy = (ASSETS / "sound" / f"{name}.policy").read_bytes()
    assert parse_policy(policy).open(CHECKPOINT.read_bytes()).checkpoint.size == 7
    assert accept(read_policy(policy), CHECKPOINT.read_bytes()).size == 7


@pytest.mark.parametrize(
    ("folder", "recipe"),
    [("sound", sound_policies), ("malformed", malformed_policies), ("unreached", unreached_policies)],
)
def test_every_asset_is_tried_and_is_what_its_recipe_makes(folder: str, recipe: Callable[[], dict[str, bytes]]) -> None:
    assert {path.stem: path.read_bytes() for path in (ASSETS / folder).iterdir()} == recipe()
    assert CHECKPOINT.read_bytes() == cosigned_by_two()
    assert malformed_policies().keys() == MALFORMED.keys()
    assert unreached_policies().keys() == UNREACHED.keys()
