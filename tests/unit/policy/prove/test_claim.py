# SPDX-License-Identifier: Apache-2.0
import cedarpy
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.prove_builder import GROUPS

from freehold.errors import ClaimInvalid
from freehold.policy.load import schema_text
from freehold.policy.prove import parse_claim
from freehold.policy.prove.parsing import as_rule

_SCHEMA = cedarpy.Schema.from_str(schema_text())


@pytest.mark.parametrize(
    ("text", "cedar"),
    [
        ("no data", "context.data_class >= 0"),
        ("no restricted data", "context.data_class >= 3"),
        ("no personal data under authority US", 'context.data_class >= 2 && resource.authorities.contains("US")'),
        ("no data under authority ??", 'context.data_class >= 0 && resource.authorities.contains("??")'),
        (
            "no personal data under any authority outside EU",
            'context.data_class >= 2 && !(["AT", "DE", "FR"].containsAll(resource.authorities))',
        ),
        (
            "no data located outside EEA, adequate, US",
            'context.data_class >= 0 && !(["AT", "DE", "FR", "GB", "JP", "NO", "US"].containsAll(resource.locations))',
        ),
        ("no data located in CN, RU", 'context.data_class >= 0 && resource.locations.containsAny(["CN", "RU"])'),
        ("no data exposed to CN", 'context.data_class >= 0 && resource.exposure.contains("CN")'),
        ("no restricted data outside owned", "context.data_class >= 3 && !resource.owned"),
        ("no internal data to operators that train", "context.data_class >= 1 && resource.trains"),
        ("no data to operator openai", 'context.data_class >= 0 && resource.operator == "openai"'),
        (
            "no data to operator openai, 'x ai'",
            'context.data_class >= 0 && (resource.operator == "openai" || resource.operator == "x ai")',
        ),
        ("no data retained over 30 days", "context.data_class >= 0 && resource.retention_days > 30"),
        (
            "no personal data outside owned for service desk for purpose 'to hire'",
            'context.data_class >= 2 && context.service == "desk" && context.purpose == "to hire" && !resource.owned',
        ),
        ("no personal data for service support", 'context.data_class >= 2 && context.service == "support"'),
        (
            "no data outside owned and located in CN or to operators that train",
            'context.data_class >= 0 && ((!resource.owned && resource.locations.contains("CN")) || resource.trains)',
        ),
        (
            "no data outside owned and (located in CN or to operators that train)",
            'context.data_class >= 0 && (!resource.owned && (resource.locations.contains("CN") || resource.trains))',
        ),
    ],
)
def test_a_claim_means_one_condition_in_cedar(text: str, cedar: str) -> None:
    claim = parse_claim(text, GROUPS)
    assert claim.cedar == cedar
    assert cedarpy.validate_policies(as_rule(claim.cedar), _SCHEMA).validation_passed
    assert cedar in claim.meaning


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "'no' is expected at its end"),
        ("some data", "'no' is expected at column 1, where it has 'some'"),
        ("no", "'public' or 'internal' or 'personal' or 'restricted' or 'data' is expected at its end"),
        ("no secret data", "is expected at column 4, where it has 'secret'"),
        ("no personal under authority US", "'data' is expected at column 13, where it has 'under'"),
        ("no data under US", "'authority' is expected at column 15, where it has 'US'"),
        ("no data under any authority US", "'outside' is expected at column 29"),
        (
            "no data under authority UK",
            "a state by its ISO 3166-1 code, .* is expected at column 25, where it has 'UK'",
        ),
        ("no data under authority us", "is expected at column 25, where it has 'us'"),
        ("no data under authority US CN", "'and', 'or', .* or the end is expected at column 28, where it has 'CN'"),
        ("no data under authority US,", "a state by its ISO 3166-1 code, .* is expected at its end"),
        ("no data under authority US or CN", "'under' or .* is expected at column 31, where it has 'CN'"),
        ("no data (outside owned", "'\\)' is expected at its end"),
        ("no data located near CN", "'in' or 'outside' is expected at column 17"),
        ("no data to people", "'operators that train' or 'operator NAME' is expected at column 12"),
        ("no data retained over many days", "a number of days is expected at column 23"),
        ("no data retained over -1 days", "a number of days is expected"),
        ("no data for service", "a name.* is expected at its end"),
        ("no data for service 'desk", "a name.* is expected at column 21"),
        ('no data for service "a\\b"', "a name.* is expected at column 21"),
        ("no data for service 'a\"b'", "a name.* is expected at column 21"),
        ("no data for service desk outside owned", "'for purpose' or the end is expected at column 26"),
        ("no data for day monday", "'service' or 'purpose' is expected at column 13"),
        ("no data " + "(" * 40 + "outside owned" + ")" * 40, "more than 32 conditions"),
        ("no data " + " or ".join(["outside owned"] * 40), "more than 32 conditions"),
        ("no data for service " + "x" * 3000, "longer than 2000 characters"),
    ],
)
def test_what_does_not_parse_says_where_and_what_was_expected(text: str, expected: str) -> None:
    with pytest.raises(ClaimInvalid, match=expected):
        parse_claim(text, GROUPS)


def test_a_group_without_a_state_is_refused() -> None:
    with pytest.raises(ClaimInvalid, match="the group adequate has no state today"):
        parse_claim("no data located outside adequate", {**GROUPS, "ADEQUATE": ()})


def test_an_error_names_the_file_and_the_line() -> None:
    with pytest.raises(ClaimInvalid, match=r"^policies/claims.txt:3: claim 'no dta'"):
        parse_claim("no dta", GROUPS, place="policies/claims.txt:3")


_WORDS = """
    no data personal under any authority outside US EU located in owned to operators that train for service and
    or ( ) , ' "
"""


@given(st.text() | st.lists(st.sampled_from(_WORDS.split())).map(" ".join).map("no data ".__add__))
@example("no data for service \ud800")
@example("no data for service 'a\nb'")
def test_whatever_is_written_is_a_valid_condition_or_refused(text: str) -> None:
    try:
        claim = parse_claim(text, GROUPS)
    except ClaimInvalid as refused:
        assert refused.message  # noqa: PT017 - either way is right
    else:
        assert cedarpy.validate_policies(as_rule(claim.cedar), _SCHEMA).validation_passed
