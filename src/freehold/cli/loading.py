# SPDX-License-Identifier: Apache-2.0
"""Groups whose commands are loaded when they are asked for: loading all of them takes longer than most commands do."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class Loading(click.Group):
    """Knows of each command that lies elsewhere in which module it is, under the command's own name."""

    def __init__(self, name: str | None = None, *, modules: Mapping[str, str] | None = None, **attributes: Any) -> None:
        super().__init__(name, **attributes)
        self.modules = modules or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self.modules})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.modules and cmd_name not in self.commands:
            self.add_command(getattr(import_module(self.modules[cmd_name]), cmd_name))
        return super().get_command(ctx, cmd_name)
