# SPDX-License-Identifier: Apache-2.0
from freehold.api.measures import Measures
from freehold.signals.catalogue import BETWEEN_S


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_of_each_piece_that_goes_on_it_is_noted_how_long_it_came_after_the_one_before() -> None:
    clock, gone = Clock(), list[bytes]()
    measures = Measures(clock)
    pace, served = measures.pace(), measures.of("service", "target")
    pace.begin(served)

    def out(piece: bytes) -> bool:
        gone.append(piece)
        return len(gone) < 3

    paced, took = pace.before(out), []
    for after_s in (2.0, 0.5, 0.25):
        clock.now_s += after_s
        took.append(paced(b"piece"))
    assert (took, len(gone), pace.first_s) == ([True, True, False], 3, 2.0)
    assert (sum(served.between[:-1]), served.between[-1]) == (2, 0.75)
    assert served.between[-2] == 0, f"none was longer than {BETWEEN_S[-1]} s"
