# SPDX-License-Identifier: Apache-2.0
"""What the detector does to a call's class: it raises it, also where it cannot tell, and never lowers it."""

import pytest

from freehold.contract.call import Call, DataClass, Dialect, Operation
from freehold.contract.snapshot import Snapshot
from freehold.policy.detect import Detection
from freehold.policy.detect.detection import MOST_CHARACTERS

ON = Snapshot(version=1, detector="identifiers", detector_class=DataClass.PERSONAL)
OFF = Snapshot(version=1)
FIELDS = {"messages": [{"role": "user", "content": "alice@example.fr"}]}


class Texts:
    """Finds what it is told to, and remembers what was asked of it."""

    def __init__(self, kind: str = "") -> None:
        self.kind = kind
        self.texts: list[str] = []
        self.is_open = False

    def open(self) -> None:
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    async def find(self, text: str) -> str:
        self.texts.append(text)
        return self.kind


def call(data_class: DataClass = DataClass.INTERNAL) -> Call:
    return Call(
        id="call_1",
        dialect=Dialect.OPENAI,
        operation=Operation.CHAT,
        asked="default",
        service="default",
        key_id="key_1",
        data_class=data_class,
        stream=False,
        body=b"",
    )


@pytest.mark.parametrize("kind", ["email", "not-read", "not-in-time", "something else"])
async def test_whatever_is_found_raises_the_class_and_so_does_whatever_kept_it_from_looking(kind: str) -> None:
    detection = Detection(Texts(kind))
    assert (await detection.raised(call(), FIELDS, ON)).data_class is DataClass.PERSONAL
    assert detection.counts == {kind: 1}


async def test_where_nothing_is_found_the_call_stays_what_it_was() -> None:
    detection, asked = Detection(Texts("")), call(DataClass.PUBLIC)
    assert await detection.raised(asked, FIELDS, ON) is asked
    assert not detection.counts


@pytest.mark.parametrize("data_class", [DataClass.PERSONAL, DataClass.RESTRICTED])
async def test_a_call_that_could_not_be_raised_is_not_looked_at(data_class: DataClass) -> None:
    texts = Texts("email")
    assert (await Detection(texts).raised(call(data_class), FIELDS, ON)).data_class is data_class
    assert not texts.texts


async def test_without_a_detector_no_call_is_looked_at() -> None:
    texts, asked = Texts("email"), call(DataClass.PUBLIC)
    assert await Detection(texts).raised(asked, FIELDS, OFF) is asked
    assert not texts.texts


async def test_it_raises_to_the_class_that_the_estate_has_set() -> None:
    restricted = Snapshot(version=1, detector="identifiers", detector_class=DataClass.RESTRICTED)
    raised = await Detection(Texts("card")).raised(call(DataClass.PERSONAL), FIELDS, restricted)
    assert raised.data_class is DataClass.RESTRICTED


async def test_a_call_with_too_much_text_is_raised_unread() -> None:
    texts = Texts("")
    detection = Detection(texts)
    raised = await detection.raised(call(), {"prompt": "a " * MOST_CHARACTERS}, ON)
    assert raised.data_class is DataClass.PERSONAL
    assert detection.counts == {"too-long": 1}
    assert not texts.texts


def test_whoever_reads_is_there_as_long_as_the_configuration_names_it() -> None:
    texts = Texts()
    detection = Detection(texts)
    detection.configure(ON)
    assert texts.is_open
    detection.configure(OFF)
    assert not texts.is_open
