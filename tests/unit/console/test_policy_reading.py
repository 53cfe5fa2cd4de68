# SPDX-License-Identifier: Apache-2.0
"""The law as its pages read it."""

from typing import Any

import msgspec

from freehold.console.reading.policy import Claims, MatrixAnswer, lines_of, notes, sheets


def cell(service: str, data_class: str, target: str, *rules: str, own: bool = True, counts_as: str = "") -> Any:
    return {
        "service": service,
        "data_class": data_class,
        "counts_as": counts_as or data_class,
        "target": target,
        "is_target": own,
        "allowed": "forbid" not in "".join(rules),
        "rules": list(rules),
    }


def matrix(*cells: Any) -> Any:
    whole = {"set": "eu-only", "policy_digest": "sha256:0", "facts_digest": "sha256:1", "cells": list(cells)}
    return msgspec.convert({"matrix": whole}, MatrixAnswer).matrix


def test_a_services_own_targets_are_its_first_columns() -> None:
    read = matrix(
        cell("desk", "public", "foreign", "forbid-us", own=False, counts_as="internal"),
        cell("desk", "public", "local", "owned", counts_as="internal"),
        cell("desk", "internal", "foreign", "forbid-us", own=False),
        cell("desk", "internal", "local", "owned"),
    )
    (sheet,) = sheets(read)
    assert (sheet.targets, sheet.own) == (("local", "foreign"), frozenset({"local"}))
    assert [line.said for line in sheet.lines] == ["public, as internal", "internal"]
    assert [[one.allowed for one in line.cells] for line in sheet.lines] == [[True, False], [True, False]]


def test_a_set_of_rules_is_noted_once() -> None:
    read = matrix(
        cell("a", "public", "x", "owned"), cell("b", "public", "x", "owned"), cell("c", "public", "x", "none")
    )
    assert [(note.number, note.rules) for note in notes(read)] == [(1, ("owned",)), (2, ("none",))]


def test_a_counterexample_is_told_in_words() -> None:
    broken = {
        "claim": "no personal data under authority US",
        "place": None,
        "cedar": "true",
        "words": "w",
        "answer": "broken",
        "proved": False,
        "vacuous": False,
        "why": None,
        "counterexample": {
            "key_services": [],
            "owned": False,
            "authorities": ["FR", "US"],
            "licence": None,
            "retention_days": 0,
        },
    }
    (claim,) = msgspec.convert({"claims": [broken]}, Claims).claims
    assert claim.facts == (
        ("key services", "none"),
        ("owned", "no"),
        ("authorities", "FR, US"),
        ("licence", "not known"),
        ("retention days", "0"),
    )


def test_claims_are_written_one_a_line() -> None:
    assert lines_of(" no public data \n\n no data located in CN\n") == ["no public data", "no data located in CN"]
