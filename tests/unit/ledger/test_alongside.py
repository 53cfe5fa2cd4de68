# SPDX-License-Identifier: Apache-2.0
"""One thing at a time in a thread of its own, and nothing left of it afterwards."""

import gc
import threading

import pytest

from freehold.ledger.writing.alongside import Alongside


def test_it_works_each_time_it_is_told_to() -> None:
    done: list[str] = []
    alongside = Alongside(lambda: done.append(threading.current_thread().name), "aside")
    for _ in range(3):
        alongside.begin()
        alongside.end()
    alongside.close()
    assert done == ["aside"] * 3


def test_what_goes_wrong_is_raised_where_it_is_waited_for_and_once() -> None:
    troubles = [OSError(5, "no"), None]

    def work() -> None:
        if trouble := troubles.pop(0):
            raise trouble

    alongside = Alongside(work, "aside")
    alongside.begin()
    with pytest.raises(OSError, match="no"):
        alongside.end()
    alongside.begin()
    alongside.end()
    alongside.close()


def test_the_thread_ends_with_whoever_holds_it() -> None:
    alongside = Alongside(lambda: None, "forgotten")
    (thread,) = [thread for thread in threading.enumerate() if thread.name == "forgotten"]
    del alongside
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()
