# SPDX-License-Identifier: Apache-2.0
import hashlib
from contextlib import AbstractAsyncContextManager

import pytest

from freehold.api.configuration import Configuration
from freehold.contract.backend import BackendKind, EngineStatus, Model, Service, Target
from freehold.contract.call import DataClass
from freehold.contract.decision import Decision
from freehold.contract.snapshot import ApiKey, Snapshot
from freehold.dialect.interface import Backend, Upstream
from freehold.errors import InvalidKey
from freehold.relay import BackendAnswer


def key(secret: str, **more: object) -> ApiKey:
    values = {"id": f"key_{secret}", "services": ("*",), "requests_per_minute": 1, **more}
    return ApiKey(secret_sha256=hashlib.sha256(secret.encode()).hexdigest(), **values)  # type: ignore[arg-type] # a test's shorthand


class Nobody:
    """Backends that nothing here asks."""

    def status(self, target: str) -> EngineStatus | None:
        raise NotImplementedError

    async def ready(self, target: str) -> Backend:
        raise NotImplementedError

    def open(self, target: str, upstream: Upstream, decision: Decision) -> AbstractAsyncContextManager[BackendAnswer]:
        raise NotImplementedError

    def cut(self, target: str) -> None:
        raise NotImplementedError


CONFIGURATION = Configuration(
    Snapshot(
        version=1,
        services=(
            Service(name="default", data_class=DataClass.INTERNAL, targets=("b", "a"), aliases=("gpt-*", "o1")),
            Service(name="other", data_class=DataClass.INTERNAL, targets=("a",)),
        ),
        targets=tuple(
            Target(name=name, kind=BackendKind.ENGINE, model=Model(name="m", digest="d"), operator="self")
            for name in ("a", "b")
        ),
        keys=(key("good"), key("old", expires_at_unix=100.0), key("narrow", services=("other",))),
    ),
    Nobody(),
)


@pytest.mark.parametrize(
    "headers",
    [{"authorization": "Bearer good"}, {"authorization": "bearer  good "}, {"x-api-key": "good"}],
)
def test_a_key_is_taken_from_either_header(headers: dict[str, str]) -> None:
    assert CONFIGURATION.authenticate(headers, 50).id == "key_good"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": "Bearer "},
        {"authorization": "Basic good"},
        {"x-api-key": ""},
        {"authorization": "Bearer old"},
        {"x-api-key": "\udc80"},
        {"authorization": "Bearer wrong", "x-api-key": "good"},
    ],
)
def test_missing_wrong_and_expired_keys_get_one_and_the_same_answer(headers: dict[str, str]) -> None:
    with pytest.raises(InvalidKey, match=r"^the API key is missing or not valid$"):
        CONFIGURATION.authenticate(headers, 100)


def test_a_key_counts_until_the_moment_it_expires() -> None:
    assert CONFIGURATION.authenticate({"x-api-key": "old"}, 99.9).id == "key_old"


def test_targets_come_in_the_services_order() -> None:
    service = CONFIGURATION.names.service("gpt-4o")
    assert service is not None
    assert [target.name for target in CONFIGURATION.targets(service)] == ["b", "a"]


def test_a_key_is_shown_only_the_names_that_it_may_use() -> None:
    assert CONFIGURATION.names_for(key("good")) == ["default", "other", "o1"]
    assert CONFIGURATION.names_for(key("narrow", services=("other",))) == ["other"]
