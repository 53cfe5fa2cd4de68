# SPDX-License-Identifier: Apache-2.0
import msgspec
import pytest

from freehold.console.reading.now import Estate, Service, Trouble, troubles

LEDGER: dict[str, object] = {"size": 10, "published_size": 10, "free_bytes": 10**12, "full": False, "away": ""}
PROCESS = {"name": "ledger", "state": "running", "restarts": 0, "since": None, "pss_bytes": None, "reason": ""}
TARGET = {"target": "local", "kind": "engine", "model": "tiny", "state": "ready", "standing": "active"}
GATEWAY = {"gateway": "gateway-1", "in_flight": 0, "shed": 0}
WELL: dict[str, object] = {
    "sealed": False,
    "base_url": "http://127.0.0.1:8080",
    "processes": [PROCESS],
    "targets": [TARGET],
    "ledger": LEDGER,
    "gateways": [GATEWAY],
    "alarms": [],
    "readiness": None,
}


def service(**more: object) -> Service:
    target = {
        "target": "local", "kind": "engine", "model": "tiny", "operator": "self", "authorities": [],
        "state": "failed", "answers": False, "allowed": True, "qualified": True,
    }  # fmt: skip
    known = {
        "name": "desk",
        "data_class": "internal",
        "aliases": [],
        "targets": [target],
        "answered_by": None,
        "then": [],
    }
    return msgspec.convert({**known, **more}, Service)


def found(services: list[Service] | None, **more: object) -> list[Trouble]:
    return troubles(msgspec.convert({**WELL, **more}, Estate), services or [])


def test_of_an_estate_that_is_well_nothing_is_said() -> None:
    assert found([service(answered_by="local")]) == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"ledger": {"unavailable": "it does not answer"}}, "The ledger does not answer"),
        ({"ledger": {**LEDGER, "full": True}}, "The ledger is full"),
        ({"ledger": {**LEDGER, "away": "it was restored"}}, "Nothing is written on this copy"),
        ({"ledger": {**LEDGER, "free_bytes": 2**30}}, "has 1024 MiB left"),
        ({"ledger": {**LEDGER, "size": 5000}}, "4990 entries of the ledger"),
        ({"processes": []}, "The supervisor does not answer"),
        ({"gateways": []}, "No gateway is connected"),
        ({"processes": [{**PROCESS, "name": "engine local", "state": "failed"}]}, "Process engine local is failed"),
        ({"targets": [{**TARGET, "standing": "suspected"}]}, "looks withdrawn and gets no call until a person decides"),
        ({"targets": [{**TARGET, "state": "failed"}]}, "Target local is failed"),
        ({"targets": [{**TARGET, "state": "no key"}]}, "Target local is no key"),
        ({"alarms": [{"id": "a", "witness": "bob", "what": "the log was rolled back"}]}, "Witness bob: the log was"),
    ],
)
def test_what_needs_a_person_is_said(more: dict[str, object], said: str) -> None:
    (trouble,) = found(None, **more)
    assert said in trouble.what


def test_a_service_that_nobody_answers_is_told_with_the_reason() -> None:
    (trouble,) = found([service()])
    assert (trouble.what, trouble.more) == ("Nobody answers desk", "local: failed")


def test_the_worst_comes_first() -> None:
    tones = [one.tone for one in found([service()], ledger={**LEDGER, "free_bytes": 2**30})]
    assert tones == ["bad", "mid"]
