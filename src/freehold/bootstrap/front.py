# SPDX-License-Identifier: Apache-2.0
"""What answers at the admin port and the control socket: the console, the admin API, what monitoring asks for."""

from collections.abc import Mapping
from typing import Protocol

from freehold import __version__
from freehold.admin.api import Api
from freehold.admin.doors import AdminPort
from freehold.admin.http import AdminApp
from freehold.admin.operations import Operations
from freehold.api.rsgi import Exchange
from freehold.console.app import ROOT, Console
from freehold.console.assets import read_assets
from freehold.console.interface import ConsoleScope
from freehold.console.layout import Layout
from freehold.console.pages import PAGES, PLACES
from freehold.console.rendering import environment


class App(Protocol):
    """What answers requests of one kind."""

    async def __rsgi__(self, scope: ConsoleScope, exchange: Exchange) -> None: ...


class Front:
    """What answers at one way in. Without a console it is the control socket's."""

    def __init__(self, admin: AdminApp, signals: Mapping[str, App], console: App | None = None) -> None:
        """``signals``: who answers /metrics and its like, by path."""
        self._admin = admin
        self._signals = signals
        self._console = console

    def stop(self) -> None:
        """Have every long operation end at its next step."""
        self._admin.stop()

    async def __rsgi__(self, scope: ConsoleScope, exchange: Exchange) -> None:
        """A path that nobody has is the admin API's to refuse."""
        if self._console is not None and scope.path in ("/", ROOT, ROOT.rstrip("/")):
            exchange.response_bytes(303, [("location", f"{ROOT}now")], b"")
        elif self._console is not None and scope.path.startswith(ROOT):
            await self._console.__rsgi__(scope, exchange)
        else:
            await self._signals.get(scope.path, self._admin).__rsgi__(scope, exchange)


def front_of(
    operations: Operations, door: AdminPort, origin: str, signals: Mapping[str, App], *, unencrypted: bool = False
) -> Front:
    """That of the admin port of an estate, whose name is ``origin``. ``unencrypted``: tokens cross a network to it."""
    layout = Layout(templates=environment(), places=PLACES, origin=origin, version=__version__, unencrypted=unencrypted)
    console = Console(
        api=Api(operations),
        door=door,
        sessions=operations.sessions,
        pages=PAGES,
        assets=read_assets(),
        layout=layout,
    )
    return Front(AdminApp(operations, door), signals, console)
