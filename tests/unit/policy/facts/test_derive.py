# SPDX-License-Identifier: Apache-2.0
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.facts_builder import facts, organisation, owner, provider, said

from freehold.contract.facts import UNKNOWN, Confidence
from freehold.errors import NotFound
from freehold.policy.facts import owned_facts

SEATS = ("FR", "US", "CN", "DE")


def of(*owners: Any, example: Any = None, **organisations: Any) -> Any:
    """An operator in France with these owners, and other organisations."""
    return {
        "organisations": {"operator": organisation("FR", *owners), **organisations},
        "providers": {"example": example or provider()},
    }


def test_the_seat_of_the_operator_is_an_authority() -> None:
    found = facts(of())
    assert (found.authorities, found.exposure, found.locations) == (("FR",), (), ("FR",))
    assert (found.retention_days, found.trains, found.owned, found.operator) == (30, False, False, "example")
    (reason,) = found.reasons
    assert (reason.rule, reason.state, reason.confidence) == ("operator", "FR", Confidence.CONFIRMED)
    assert reason.source == "https://example.org/source"


def test_parents_with_more_than_half_are_authorities_to_the_end_of_the_chain() -> None:
    chain = of(owner("parent", "50.1%"), parent=organisation("IE", owner("top")), top=organisation("US"))
    found = facts(chain)
    assert found.authorities == ("FR", "IE", "US")
    assert [reason.rule for reason in found.reasons] == ["operator", "parent", "parent"]


def test_half_or_less_is_exposure_and_no_authority() -> None:
    found = facts(of(owner("a", "50%"), owner("b", "minority"), a=organisation("US"), b=organisation("NL")))
    assert (found.authorities, found.exposure) == (("FR",), ("NL", "US"))


def test_a_minority_that_is_not_confirmed_might_be_more() -> None:
    found = facts(of(owner("a", "30%", "reported"), a=organisation("US")))
    assert (found.authorities, found.exposure) == ((UNKNOWN, "FR"), (UNKNOWN, "US"))


def test_stated_control_makes_a_minority_an_authority() -> None:
    found = facts(of(owner("a", "20%", control="appoints the board"), a=organisation("US")))
    assert found.authorities == ("FR", "US")
    assert "with control (appoints the board)" in found.reasons[1].because


def test_a_share_that_nobody_established_counts_as_more_than_half() -> None:
    assert facts(of(owner("a", "unknown"), a=organisation("US"))).authorities == ("FR", "US")


def test_whoever_holds_keys_is_an_authority_with_its_parents() -> None:
    example = provider(key_holders=[said(organisation="keys")])
    found = facts(of(example=example, keys=organisation("CH", owner("top")), top=organisation("US")))
    assert found.authorities == ("CH", "FR", "US")
    assert {reason.rule for reason in found.reasons} == {"operator", "keys", "parent"}


def processors(*listed: Any, complete: str = "yes", confidence: str = "confirmed") -> Any:
    return provider(sub_processors=said(confidence, complete=complete, listed=list(listed)))


def test_a_sub_processor_counts_unless_it_is_confirmed_to_see_no_plaintext() -> None:
    cloud = organisation("US")
    for sees, confidence, authorities in (
        ("yes", "confirmed", ("FR", "US")),
        ("unknown", "confirmed", ("FR", "US")),
        ("no", "reported", (UNKNOWN, "FR", "US")),
        ("no", "confirmed", ("FR",)),
    ):
        listed = said(confidence, organisation="cloud", sees_plaintext=sees)
        assert facts(of(example=processors(listed), cloud=cloud)).authorities == authorities


def test_ties_of_every_organisation_in_the_chain_are_exposure() -> None:
    ties = [said(kind="listing", state="US"), said(kind="subsidiary", state="CA"), said(kind="tie", state="IN")]
    found = facts(of(owner("parent"), parent=organisation("FR", ties=ties)))
    assert (found.authorities, found.exposure) == (("FR",), ("CA", "IN", "US"))
    assert {reason.rule for reason in found.reasons} >= {"listing", "subsidiary", "tie"}


OPEN = {
    "no operator": {"organisations": {}, "providers": {"example": provider(None)}},
    "reported operator": of(example=provider(operator=said("reported", organisation="operator"))),
    "reported seat": {
        "organisations": {"operator": organisation("FR", confidence="reported")},
        "providers": {"example": provider()},
    },
    "unknown seat": {"organisations": {"operator": organisation("unknown")}, "providers": {"example": provider()}},
    "unknown owners": {
        "organisations": {"operator": organisation("FR", complete="unknown")},
        "providers": {"example": provider()},
    },
    "no word on owners": {
        "organisations": {"operator": said(name="x", seat="FR")},
        "providers": {"example": provider()},
    },
    "reported parent": of(owner("parent", confidence="reported"), parent=organisation("FR")),
    "unknown owners of a parent": of(owner("parent"), parent=organisation("FR", complete="no")),
    "no word on sub-processors": of(example=provider(sub_processors=None)),
    "some sub-processors": of(example=processors(complete="no")),
    "reported list of sub-processors": of(example=processors(confidence="reported")),
    "unknown key holder": of(
        example=provider(key_holders=[said("unknown", organisation="keys")]), keys=organisation("FR")
    ),
}


@pytest.mark.parametrize("case", OPEN)
def test_an_open_question_makes_unknown_an_authority_and_exposure(case: str) -> None:
    found = facts(OPEN[case])
    assert UNKNOWN in found.authorities
    assert UNKNOWN in found.exposure
    assert any(reason.state == UNKNOWN and reason.rule == "unknown" and reason.source for reason in found.reasons)


def test_people_and_states_have_no_parents() -> None:
    for kind in ("people", "state"):
        top = said(name="the top", seat="FR", kind=kind)
        assert facts(of(owner("top"), top=top)).authorities == ("FR",)


def test_only_confirmed_terms_are_known_and_reported_ones_can_only_make_it_worse() -> None:
    better = provider(
        retention=said("reported", days=0),
        training=said("reported", trains="no"),
        locations=said("reported", states=["FR"], complete="yes"),
    )
    found = facts(of(example=better))
    assert (found.retention_days, found.trains, found.locations) == (None, None, (UNKNOWN, "FR"))
    worse = provider(training=said("reported", trains="yes"), retention=None, locations=None)
    found = facts(of(example=worse))
    assert (found.retention_days, found.trains, found.locations) == (None, True, (UNKNOWN,))


def test_an_estates_confirmed_entry_answers_for_the_one_it_overrides() -> None:
    open_question = of(example=provider(sub_processors=None))
    assert facts(open_question).authorities == (UNKNOWN, "FR")
    assert facts(open_question, {"providers": {"example": provider()}}).authorities == ("FR",)


def test_an_override_that_is_not_confirmed_adds_and_takes_nothing_away() -> None:
    american = of(owner("parent"), parent=organisation("US"))
    for confidence in ("reported", "unknown"):
        own = {"organisations": {"operator": organisation("DE", confidence=confidence)}}
        assert facts(american, own).authorities == (UNKNOWN, "DE", "FR", "US")
    kept = {"providers": {"example": provider(retention=said(days=1)) | {"confidence": "reported"}}}
    assert facts(of(), kept).retention_days == 30


def test_a_merger_counts_from_the_day_on_which_it_takes_effect() -> None:
    merging = of(owner("buyer", effective="2027-03-01"), buyer=organisation("CA"))
    assert facts(merging, today=date(2027, 2, 28)).authorities == ("FR",)
    assert facts(merging, today=date(2027, 3, 1)).authorities == ("CA", "FR")


def test_a_link_that_ended_counts_no_more_only_if_that_is_confirmed() -> None:
    for confidence, authorities in (("confirmed", ("FR",)), ("reported", (UNKNOWN, "FR", "US"))):
        sold = of(owner("seller", until="2026-10-01", confidence=confidence), seller=organisation("US"))
        assert facts(sold).authorities == authorities


def test_what_is_announced_without_a_day_counts_at_once() -> None:
    announced = of(owner("buyer", expected_by="2099-01-01"), buyer=organisation("CA"))
    assert facts(announced).authorities == ("CA", "FR")


def test_the_oldest_fact_dates_the_whole() -> None:
    old = provider(retention=said(days=30) | {"as_of": "2020-02-02"})
    assert facts(of(example=old)).as_of == "2020-02-02"


def test_an_own_engine_is_under_nobodys_authority() -> None:
    found = owned_facts()
    assert (found.operator, found.owned, found.authorities, found.trains) == ("self", True, (), False)


def test_a_provider_that_the_register_does_not_have_is_not_found() -> None:
    with pytest.raises(NotFound, match="'nobody'"):
        facts(of(), name="nobody")


_LINKS = st.tuples(
    st.sampled_from(["majority", "minority", "unknown", "30%", "80%"]),
    st.sampled_from(["confirmed", "reported", "unknown"]),
)


@st.composite
def chains(draw: st.DrawFn) -> Any:
    """A forest of six companies, owned upwards only, so that there is no circle."""
    organisations = {}
    for number in range(6):
        owners = [
            owner(f"o{above}", *draw(_LINKS))
            for above in draw(st.sets(st.integers(number + 1, 5), max_size=2) if number < 5 else st.just(set[int]()))
        ]
        complete, confidence = draw(st.sampled_from(["yes", "no"])), draw(st.sampled_from(["confirmed", "reported"]))
        seat = draw(st.sampled_from(SEATS))
        organisations[f"o{number}"] = organisation(seat, *owners, complete=complete, confidence=confidence)
    listed = [said(organisation=name) for name in draw(st.sets(st.sampled_from(sorted(organisations)), max_size=2))]
    return {
        "organisations": organisations,
        "providers": {"example": provider("o0", sub_processors=said(complete="yes", listed=listed))},
    }


@settings(max_examples=60, deadline=None)
@given(chains(), st.integers(0, 4), st.sampled_from(SEATS), _LINKS)
def test_another_link_of_ownership_never_removes_an_authority(chain: Any, owned: int, seat: str, link: Any) -> None:
    before = facts(chain)
    chain["organisations"]["extra"] = organisation(seat)
    chain["organisations"][f"o{owned}"]["owners"]["listed"].append(owner("extra", *link))
    after = facts(chain)
    assert set(before.authorities) <= set(after.authorities)
    assert set(before.exposure) <= set(after.exposure)


@settings(max_examples=60, deadline=None)
@given(chains(), st.integers(0, 5), st.sampled_from(["seat", "confidence", "complete"]))
def test_another_unknown_never_removes_an_authority_that_stays_named(chain: Any, number: int, what: str) -> None:
    before = facts(chain)
    organisation_ = chain["organisations"][f"o{number}"]
    if what == "seat":
        organisation_["ties"] = [said(kind="tie", state="unknown")]
    elif what == "confidence":
        organisation_["confidence"] = "unknown"
    else:
        organisation_["owners"]["complete"] = "unknown"
    after = facts(chain)
    assert set(before.authorities) <= set(after.authorities)
    assert set(before.exposure) <= set(after.exposure)


@settings(max_examples=60, deadline=None)
@given(chains(), st.integers(0, 5), st.sampled_from(SEATS), st.sampled_from(["reported", "unknown"]))
def test_an_override_that_is_not_confirmed_never_removes_an_authority(
    chain: Any, number: int, seat: str, confidence: str
) -> None:
    before = facts(chain)
    after = facts(chain, {"organisations": {f"o{number}": organisation(seat, confidence=confidence)}})
    assert set(before.authorities) <= set(after.authorities)
    assert set(before.exposure) <= set(after.exposure)
