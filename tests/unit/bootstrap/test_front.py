# SPDX-License-Identifier: Apache-2.0
from dataclasses import dataclass, field
from typing import Any

import pytest

from freehold.bootstrap.front import Front


@dataclass
class App:
    """Remembers the paths that it was asked."""

    asked: list[str] = field(default_factory=list)
    stopped: bool = False

    async def __rsgi__(self, scope: Any, exchange: Any) -> None:
        self.asked.append(scope.path)

    def stop(self) -> None:
        self.stopped = True


@dataclass
class Scope:
    path: str


class Exchange:
    """Remembers its answer."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status, self.headers = status, dict(headers)


async def who_answers(path: str, *, console: bool = True) -> tuple[str, Exchange]:
    apps: dict[str, Any] = {"admin": App(), "console": App(), "signals": App()}
    front = Front(apps["admin"], {"/metrics": apps["signals"]}, apps["console"] if console else None)
    scope: Any = Scope(path)
    exchange: Any = Exchange()
    await front.__rsgi__(scope, exchange)
    front.stop()
    assert apps["admin"].stopped
    return next((name for name, app in apps.items() if app.asked), ""), exchange


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/console/keys", "console"),
        ("/console/static/api.js", "console"),
        ("/admin/v1/keys", "admin"),
        ("/metrics", "signals"),
        ("/consoles", "admin"),
        ("/nothing", "admin"),
    ],
)
async def test_each_path_has_its_part(path: str, name: str) -> None:
    assert (await who_answers(path))[0] == name


@pytest.mark.parametrize("path", ["/", "/console", "/console/"])
async def test_the_port_leads_to_the_console(path: str) -> None:
    name, exchange = await who_answers(path)
    assert (name, exchange.status, exchange.headers["location"]) == ("", 303, "/console/now")


@pytest.mark.parametrize("path", ["/", "/console/now", "/console/sign-in"])
async def test_the_control_socket_has_no_console(path: str) -> None:
    assert (await who_answers(path, console=False))[0] == "admin"
