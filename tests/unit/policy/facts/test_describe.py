# SPDX-License-Identifier: Apache-2.0
from tests.facts_builder import TODAY, organisation, owner, provider, register, said

from freehold.contract.facts import Confidence
from freehold.policy.facts import describe

CHAIN = {
    "organisations": {
        "operator": organisation("FR", owner("parent", "60%"), owner("buyer", effective="2099-01-01")),
        "parent": organisation("US", owner("fund", "10%")),
        "fund": organisation("NL"),
        "buyer": organisation("CA"),
        "cloud": organisation("US"),
    },
    "providers": {
        "example": provider(
            sub_processors=said(complete="yes", listed=[said("reported", organisation="cloud", purpose="machines")]),
            hosts=[said(host="{region}.api.example.org", location="FR")],
            licences=["model"],
        )
    },
    "statutes": {"US-X": said(state="US", act="An act"), "CA-X": said(state="CA", act="Not yet")},
    "licences": {"model": said(family="Model", licence="MIT", remote_restriction="yes")},
}


def test_the_chain_is_told_in_the_order_of_the_rule_with_its_depth() -> None:
    told = describe(register(CHAIN), "example", TODAY)
    assert [(link.what, link.depth) for link in told.chain] == [
        ("operator", 0),
        ("owner", 1),
        ("owner without control", 2),
        ("owner", 1),
        ("sub-processor", 0),
    ]
    assert "counts from 2099-01-01" in told.chain[3].note
    assert told.confidence is Confidence.REPORTED


def test_laws_licences_and_hosts_are_told() -> None:
    told = describe(register(CHAIN), "example", TODAY)
    assert [law.what for law in told.statutes] == ["US-X"]
    assert told.licences[0].note == "the licensor may restrict use remotely"
    assert (told.hosts[0].what, told.hosts[0].value) == ("{region}.api.example.org", "FR")


def test_what_is_not_known_is_said_plainly() -> None:
    bare = {"organisations": {"operator": organisation("FR")}, "providers": {"example": said(name="Example")}}
    told = describe(register(bare), "example", TODAY)
    assert told.confidence is Confidence.UNKNOWN
    assert "for how long what is sent is kept is not confirmed" in told.unknown
    assert "no host of it is in the register" in told.unknown


def test_overridden_entries_of_the_chain_are_marked() -> None:
    own = {"organisations": {"parent": organisation("DE")}, "providers": {"example": provider()}}
    told = describe(register(CHAIN, own), "example", TODAY)
    assert told.own
    assert told.overridden == ("organisations.parent", "providers.example")
