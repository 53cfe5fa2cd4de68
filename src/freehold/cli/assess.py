# SPDX-License-Identifier: Apache-2.0
"""freehold assess: on whom a code base depends, and what would become of it, or of an estate, without somebody.

Reads files, here and now, in this process; starts nothing and asks nobody.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
import msgspec

from freehold.assess.exposure import assessment as exposures
from freehold.assess.exposure.assessment import Assessment, Exposure
from freehold.assess.exposure.baseline import against, read_baseline, write_baseline
from freehold.assess.exposure.page import write_page
from freehold.assess.exposure.plan import write_plan
from freehold.assess.exposure.sarif import write_sarif
from freehold.assess.exposure.services import write_services
from freehold.assess.exposure.view import assessment_view
from freehold.cli import output
from freehold.cli.assessed import show_assessment
from freehold.cli.losing import show_loss, show_outcomes
from freehold.cli.options import estate_option, examples, json_option
from freehold.contract.estate import Estate
from freehold.errors import EstateError
from freehold.policy.facts import Register, load_register

_EXPOSED: Final = 1
_FORMATS: Final = ("text", "json", "sarif", "cyclonedx", "html")
_TO_OUTPUT: Final = "-"


@click.command(
    "assess",
    short_help="Find where a code base depends on AI providers.",
    epilog=examples(
        "freehold assess src",
        "freehold assess . --format html --output exposure.html",
        "freehold assess . --baseline exposure.json --write-baseline",
        "freehold assess . --baseline exposure.json --format sarif --output exposure.sarif",
        "freehold assess . --plan estate/freehold.toml",
        "freehold assess . --without US",
        "freehold assess --without anthropic",
    ),
)
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@click.option(
    "--without", metavar="WHAT", help="What would stop without a provider, a state (US) or a statute (US-CLOUD)."
)
@click.option(
    "--format", "shape", type=click.Choice(_FORMATS), default="text", show_default=True, help="How to report."
)
@click.option(
    "--output", "out", type=click.Path(path_type=Path, dir_okay=False), help="Write to a file instead of the terminal."
)
@click.option(
    "--baseline", type=click.Path(path_type=Path, dir_okay=False), help="What is known already: only the rest counts."
)
@click.option("--write-baseline", is_flag=True, help="Write the baseline instead of comparing with it.")
@click.option(
    "--allow", multiple=True, metavar="PROVIDER", help="A provider that does not count. May be given several times."
)
@click.option(
    "--plan",
    is_flag=False,
    flag_value=_TO_OUTPUT,
    metavar="[FILE]",
    help="Write a freehold.toml that would carry what was found; without FILE, to the terminal instead of the report.",
)
@estate_option
@json_option
@click.pass_context
def assess(  # noqa: PLR0913 - one argument for each option
    context: click.Context,
    *,
    paths: tuple[Path, ...],
    without: str | None,
    shape: str,
    out: Path | None,
    baseline: Path | None,
    write_baseline: bool,
    allow: tuple[str, ...],
    plan: str | None,
    estate: Estate,
    as_json: bool,
) -> None:
    """Read code, lock files, settings and infrastructure under each PATH, and report every dependency on an AI
    provider: who it is, which states can compel them, how sure that is, and what it takes to leave.

    Nothing is run, nothing is looked up, and nothing outside the PATHs is read. Exits with 1 if there is exposure that
    neither --baseline nor --allow covers. Facts of an estate, where there is one, stand before those of this release.

    With --without, the question is what would stop: of the code under PATH, or without one, of the estate.
    """
    shape = "json" if as_json else shape
    _check(paths, without, shape, plan, baseline, write_baseline=write_baseline)
    if not paths:
        show_loss(estate, str(without), as_json=shape == "json")
        return
    register = load_register(estate.facts)
    assessment = exposures.assess(paths, register, datetime.now(UTC).date())
    if without is not None:
        show_outcomes(assessment, without, register, estate, as_json=shape == "json")
        return
    if baseline is not None:
        assessment = _with_baseline(assessment, baseline, writes=write_baseline)
    if plan is not None:
        _plan(assessment, register, plan)
    if plan != _TO_OUTPUT:
        _report(assessment, register, shape, out)
    context.exit(_EXPOSED if any(counts(one, allow) for one in assessment.exposures) else 0)


def counts(exposure: Exposure, allowed: tuple[str, ...]) -> bool:
    """Whether it fails a build."""
    return exposure.new and exposure.found.provider not in allowed


def _check(  # noqa: PLR0913 - one argument for each option
    paths: tuple[Path, ...],
    without: str | None,
    shape: str,
    plan: str | None,
    baseline: Path | None,
    *,
    write_baseline: bool,
) -> None:
    """What cannot be meant together."""
    if not paths and without is None:
        raise click.UsageError("name what to read, such as 'freehold assess .', or ask --without WHAT of the estate")
    if write_baseline and baseline is None:
        raise click.UsageError("--write-baseline needs --baseline FILE")
    if without is not None and (shape not in ("text", "json") or plan is not None or baseline is not None):
        raise click.UsageError("--without goes with no plan, no baseline, and no other format than text and json")


def _with_baseline(assessment: Assessment, baseline: Path, *, writes: bool) -> Assessment:
    if writes:
        write_baseline(assessment, baseline)
        output.note(f"Wrote {baseline}: {len(assessment.exposures)} findings are known from now on.")
    return against(assessment, read_baseline(baseline))


def _plan(assessment: Assessment, register: Register, plan: str) -> None:
    text = write_plan(assessment, register)
    if plan == _TO_OUTPUT:
        click.echo(text, nl=False)
        return
    path = Path(plan)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as exc:
        raise EstateError(f"{path} is there already", hint="Name a file that is not: nothing is overwritten.") from exc
    except OSError as exc:
        raise EstateError(f"{path} cannot be written", hint="Name another file with --plan.") from exc
    output.note(f"Wrote {path}. 'freehold up --estate {path.parent}' starts an estate of it.")


def _report(assessment: Assessment, register: Register, shape: str, out: Path | None) -> None:
    now = datetime.now(UTC)
    written: dict[str, Callable[[], bytes]] = {
        "json": lambda: (
            msgspec.json.format(msgspec.json.encode({"assessment": assessment_view(assessment)}), indent=2) + b"\n"
        ),
        "sarif": lambda: write_sarif(assessment),
        "cyclonedx": lambda: write_services(assessment, register, now),
        "html": lambda: write_page(assessment, f"{now.day} {now:%B %Y}"),
    }
    if shape == "text" and out is None:
        show_assessment(assessment)
        return
    content = written[shape]() if shape in written else show_assessment(assessment, told=False).encode()
    if out is None:
        click.echo(content, nl=False)
        return
    try:
        out.write_bytes(content)
    except OSError as exc:
        raise EstateError(f"{out} cannot be written", hint="Name another file with --output.") from exc
    output.note(f"Wrote {out}.")
