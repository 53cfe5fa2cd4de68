# SPDX-License-Identifier: Apache-2.0
"""The command line: parses, acts through the control process, prints. It decides nothing and holds nothing.

Exit codes: 0 done; 1 it could not be done, or what was checked does not hold; 2 the command was misspelt; 3 a rule
said no.
"""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from freehold import __version__
from freehold.cli.adopt import adopt
from freehold.cli.bom import bom
from freehold.cli.chat import chat
from freehold.cli.directive import directive
from freehold.cli.drill import drill
from freehold.cli.egress import egress
from freehold.cli.engine import engine
from freehold.cli.estate import doctor, init, reload, status
from freehold.cli.key import key
from freehold.cli.leaks import check
from freehold.cli.ledger import ledger
from freehold.cli.ledger_files import export, fsck, prune
from freehold.cli.operator import operator
from freehold.cli.options import examples
from freehold.cli.output import report
from freehold.cli.policy import policy
from freehold.cli.provider import provider
from freehold.cli.qualify import qualify
from freehold.cli.target import target
from freehold.cli.up import down, up
from freehold.cli.vault import vault
from freehold.cli.witness import witness
from freehold.errors import FreeholdError, Refusal

_FAILED, _MISSPELT, _REFUSED, _INTERRUPTED = 1, 2, 3, 130


class CommandLine(click.Group):
    """The commands, and the one place where what went wrong becomes words and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's words
        """In the order in which a person comes to need them."""
        return list(self.commands)

    def main(self, args: Sequence[str] | None = None, *_: object, **__: object) -> NoReturn:
        """Run one command and end the process."""
        sys.exit(self._run(args))

    def _run(self, arguments: Sequence[str] | None) -> int:
        try:
            code = super().main(args=arguments, prog_name="freehold", standalone_mode=False)
            sys.stdout.flush()
        except click.ClickException as misspelling:
            misspelling.show()
            return _MISSPELT
        except FreeholdError as problem:
            report(problem)
            return _REFUSED if isinstance(problem, Refusal) else _FAILED
        except (KeyboardInterrupt, click.Abort):
            click.echo(err=True)
            return _INTERRUPTED
        except BrokenPipeError:
            # whoever read the output has enough of it; Python would complain once more when it closes standard output
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        return code if isinstance(code, int) else 0


@click.group(
    cls=CommandLine,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples(
        "freehold up --detach            start the estate in ./estate, making it if need be",
        "freehold chat                   ask its model something",
        "freehold key create billing     make a key for an application",
        "freehold ledger verify          check the whole record",
        "freehold down                   stop all of it",
    ),
)
@click.version_option(__version__, prog_name="freehold")
def main() -> None:
    """AI that you own instead of lease: your models behind the APIs that your applications speak, every call decided
    and on record.

    An estate is one directory with its models, keys, configuration and ledger. Commands find it by --estate DIR, else
    $FREEHOLD_ESTATE, else ./estate.
    """


egress.add_command(check)
target.add_command(qualify)
for _of_ledger in (adopt, fsck, export, prune):
    ledger.add_command(_of_ledger)
for _command in (
    init,
    up,
    down,
    status,
    doctor,
    reload,
    chat,
    key,
    operator,
    vault,
    engine,
    bom,
    provider,
    target,
    directive,
    drill,
    policy,
    egress,
    ledger,
    witness,
):
    main.add_command(_command)


if __name__ == "__main__":
    main()
