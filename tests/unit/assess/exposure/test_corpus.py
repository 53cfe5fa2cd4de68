# SPDX-License-Identifier: Apache-2.0
"""What we planted is found, and what looks like it is not: on our own corpus, which is all that this says."""

from pathlib import PurePosixPath

from tests.corpus.__main__ import measure


def test_recall_and_precision_on_our_own_corpus_are_what_we_promise() -> None:
    measured = measure()
    assert measured.recall >= 0.97, measured.missed
    assert measured.precision >= 0.97, measured.wrong


def test_the_corpus_is_as_large_as_we_say() -> None:
    measured = measure()
    assert len(measured.planted) >= 150
    assert len(measured.look_alikes) >= 100
    code = {PurePosixPath(file).suffix for file, _, kind, _ in measured.planted if kind == "code"}
    assert {".py", ".ts", ".js", ".go", ".java", ".cs", ".rb", ".rs", ".php"} <= code


def test_no_look_alike_is_a_finding() -> None:
    measured = measure()
    assert not {(file, line) for file, line, *_ in measured.wrong} & measured.look_alikes
