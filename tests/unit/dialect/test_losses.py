# SPDX-License-Identifier: Apache-2.0
import pytest

from freehold.contract.call import Operation
from freehold.dialect.interface import Extra, Request
from freehold.dialect.losses import Losses, lost_at_engine
from freehold.errors import Unsupported

IMAGE = Extra(name="image", param="messages[0]", why="no")
ASIDE = Extra(name="metadata", param="metadata", why="no", harmless=True)
PASSED = Extra(name="thinking", param="thinking", why="no", passed_over=True)


def request(*extras: Extra, drop: frozenset[str] = frozenset()) -> Request:
    return Request(operation=Operation.CHAT, asked="a", stream=False, fields={}, extras=extras, drop=drop)


def test_loss_that_nobody_allows_is_refused_where_it_stands() -> None:
    with pytest.raises(Unsupported, match=r"messages\[0\]: no") as caught:
        Losses(request()).lose(IMAGE)
    assert caught.value.param == "messages[0]"


@pytest.mark.parametrize("drop", ["image", "*"])
def test_loss_that_the_service_allows_is_said_once(drop: str) -> None:
    losses = Losses(request(drop=frozenset({drop})))
    for extra in (IMAGE, ASIDE, IMAGE):
        losses.lose(extra)
    assert losses.names == ("image", "metadata")


def test_carried_extras_are_not_lost() -> None:
    losses = Losses(request())
    losses.lose_all_but(("image",), (IMAGE, ASIDE))
    assert losses.names == ("metadata",)


def test_engine_passes_over_what_another_api_would_have_to_refuse() -> None:
    assert lost_at_engine(request(PASSED, ASIDE)) == ("thinking", "metadata")
    with pytest.raises(Unsupported):
        Losses(request()).lose(PASSED)
    with pytest.raises(Unsupported):
        lost_at_engine(request(PASSED, IMAGE))
