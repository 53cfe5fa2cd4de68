# SPDX-License-Identifier: Apache-2.0
"""The command line: parses, acts through the control process, prints. It decides nothing and holds nothing.

Exit codes: 0 done; 1 it could not be done, or what was checked does not hold; 2 the command was misspelt; 3 a rule
said no.
"""

import errno
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from freehold import __version__
from freehold.cli.loading import Loading
from freehold.cli.options import examples
from freehold.cli.output import report
from freehold.contract.printing import outlive_readers
from freehold.errors import FreeholdError, OperatorError, Refusal

_FAILED, _MISSPELT, _REFUSED, _INTERRUPTED = 1, 2, 3, 130
_ADVICE = {
    errno.ENOSPC: "Free space on that disk, and run the command again.",
    errno.EROFS: "Name a place that can be written to.",
    errno.EACCES: "Run the command as a user who may, or name another place.",
    errno.ENAMETOOLONG: "Name a shorter path.",
}
# In the order in which a person comes to need them.
_MODULES = {
    "init": "freehold.cli.estate",
    "up": "freehold.cli.up",
    "down": "freehold.cli.down",
    "status": "freehold.cli.status",
    "doctor": "freehold.cli.doctor",
    "reload": "freehold.cli.estate",
    "backup": "freehold.cli.backup",
    "restore": "freehold.cli.backup",
    "chat": "freehold.cli.chat",
    "bench": "freehold.cli.bench",
    "key": "freehold.cli.key",
    "operator": "freehold.cli.operator",
    "vault": "freehold.cli.vault",
    "model": "freehold.cli.model",
    "engine": "freehold.cli.engine",
    "bom": "freehold.cli.bom",
    "provider": "freehold.cli.provider",
    "target": "freehold.cli.target",
    "directive": "freehold.cli.directive",
    "drill": "freehold.cli.drill",
    "policy": "freehold.cli.policy",
    "egress": "freehold.cli.egress",
    "ledger": "freehold.cli.ledger",
    "witness": "freehold.cli.witness",
    "assess": "freehold.cli.assess",
    "evidence": "freehold.cli.evidence",
}


class CommandLine(Loading):
    """The commands, and the one place where what went wrong becomes words and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's words
        """In the order of the table."""
        return list(self.modules)

    def main(self, args: Sequence[str] | None = None, *_: object, **__: object) -> NoReturn:
        """Run one command and end the process."""
        outlive_readers()
        sys.exit(self._run(args))

    def _run(self, arguments: Sequence[str] | None) -> int:
        try:
            code = super().main(args=arguments, prog_name="freehold", standalone_mode=False)
            if sys.stdout is not None:  # whoever started this may have closed it
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
        except (OSError, UnicodeEncodeError) as refused:
            report(_of_the_system(refused))
            return _FAILED
        return code if isinstance(code, int) else 0


def _of_the_system(refused: OSError | UnicodeEncodeError) -> OperatorError:
    """What the operating system refused where nobody expected it: a full disk, a name too long or not of this world."""
    if isinstance(refused, UnicodeEncodeError):
        return OperatorError(f"{refused.object!a} is not UTF-8", hint="Write it in UTF-8.")
    where = f"{os.fsdecode(refused.filename)}: " if isinstance(refused.filename, (str, bytes)) else ""
    return OperatorError(f"{where}{refused.strerror or refused}", hint=_ADVICE.get(refused.errno or 0, ""))


@click.group(
    cls=CommandLine,
    modules=_MODULES,
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


if __name__ == "__main__":
    main()
