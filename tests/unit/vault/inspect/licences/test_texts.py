# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from freehold.vault.inspect.licences.texts import licence_of_text, plain

APACHE = (Path(__file__).parents[5] / "LICENSE").read_text()
MIT = (Path(__file__).parents[4] / "attack" / "vault" / "licences" / "mit.txt").read_text()


def test_the_two_that_pass_are_known_by_their_text() -> None:
    assert (licence_of_text(APACHE), licence_of_text(MIT)) == ("Apache-2.0", "MIT")


@pytest.mark.parametrize(
    "same",
    [
        APACHE.replace("Copyright [yyyy] [name of copyright owner]", "Copyright 2024 Alibaba Cloud"),
        APACHE.replace("\n", "\r\n"),
        APACHE.replace('"', "\u201d").upper(),
        APACHE.replace("http://", "https://"),
        APACHE.replace("[]", "{}"),
        APACHE.partition("   APPENDIX")[0],
        "# " + APACHE.strip(),
        "<!DOCTYPE html><html><style>p {}</style><body><pre>" + APACHE.replace('"', "&quot;") + "</pre></body></html>",
    ],
    ids=["owner", "lines", "quotes-and-case", "scheme", "brackets", "no-appendix", "markdown", "page"],
)
def test_what_has_no_meaning_may_differ(same: str) -> None:
    assert licence_of_text(same) == "Apache-2.0"


@pytest.mark.parametrize(
    "owner",
    ["Copyright (c) Some Corporation.", "Copyright \u00a9 2023, A. Person <a@example.org>", "Copyright 2020-2026 B"],
)
def test_owners_may_differ(owner: str) -> None:
    assert licence_of_text(MIT.replace("Copyright (c) 2026 The authors of a model", owner)) == "MIT"


@pytest.mark.parametrize(
    "owner",
    [
        "Copyright (c) 2026 X. Not for commercial purposes.",
        "Copyright (c) 2026 X. You owe us.",
        "Copyright (c) 2026 X " + "and Y " * 30,
        "Copyright (c) 2026 X\n" * 13,
        "The authors permit nothing else.",
    ],
)
def test_terms_do_not_hide_among_the_owners(owner: str) -> None:
    assert licence_of_text(MIT.replace("Copyright (c) 2026 The authors of a model", owner)) == ""


def test_a_page_is_read_as_it_shows() -> None:
    assert plain("<html><script>var x = '<p>'</script><!-- no --><b>We</b> &amp;\u00a0you</html>") == "we & you"


def test_a_page_made_to_take_long_is_read() -> None:
    assert plain("<html>" + "<script" * 100_000) == ""
