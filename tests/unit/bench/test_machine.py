# SPDX-License-Identifier: Apache-2.0
import platform

from bench import machine
from bench.showing.comparing import SAME


def test_a_run_says_which_interpreter_ran_and_how_it_was_built() -> None:
    assert platform.python_version() in machine.python()
    assert "built" in machine.python()
    assert machine.python() in machine.facts()["python"]


def test_all_that_must_be_the_same_for_two_runs_is_told_of_each() -> None:
    assert set(SAME) <= machine.facts().keys()
