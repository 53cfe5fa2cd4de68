# SPDX-License-Identifier: Apache-2.0
"""freehold model: what this host runs best."""

import click

from freehold.bootstrap.launch import control, supervisor_pid
from freehold.cli import output
from freehold.cli.options import estate_option, examples, json_option, operator_option
from freehold.cli.tuned import show_tuned, tell_outcome
from freehold.contract.estate import Estate
from freehold.tuning import BEST, FORMATS, NONE


@click.group(
    short_help="Find the format that this host runs best.",
    epilog=examples("freehold model tune smollm2-135m-instruct", "freehold model tune smollm2-135m-instruct --auto"),
)
def model() -> None:
    """Models, as this host runs them."""


@model.command(
    short_help="Find the format that this host runs best, and keep it.",
    epilog=examples(
        "freehold model tune smollm2-135m-instruct",
        "freehold model tune smollm2-135m-instruct --auto",
        "freehold model tune qwen3-8b --format q8_0 --format q4_k_m --max-loss 2",
        "freehold model tune qwen3-8b --keep none --quick --json",
    ),
)
@click.argument("name")
@click.option(
    "--format",
    "formats",
    type=click.Choice(list(FORMATS), case_sensitive=False),
    multiple=True,
    metavar="FORMAT",
    help=f"A format to try: {', '.join(FORMATS)}. May be given again. Default: the first three, and q4_k_m where the "
    "estate has built an engine.",
)
@click.option(
    "--max-loss",
    type=click.FloatRange(0, 1000),
    default=5.0,
    show_default=True,
    metavar="PERCENT",
    help="How much perplexity may grow.",
)
@click.option(
    "--keep",
    type=click.Choice([BEST, NONE, *FORMATS], case_sensitive=False),
    default=BEST,
    show_default=True,
    metavar="FORMAT",
    help="What becomes a model of the vault: 'best', the fastest within the loss; 'none'; or a format in any case.",
)
@click.option(
    "--auto", is_flag=True, help="Put what is kept into use: changes the model of its targets in freehold.toml."
)
@click.option("--quick", is_flag=True, help="Measure on a quarter of the text: sooner, and less sure.")
@click.option("--name", "derived_name", metavar="NAME", help="What the new model is called. Default: NAME-FORMAT.")
@click.option("--reason", metavar="TEXT", help="Why it is approved, where its licence wants a reason.")
@operator_option
@estate_option
@json_option
def tune(  # noqa: PLR0913, PLR0917 - click gives every option by itself
    name: str,
    formats: tuple[str, ...],
    max_loss: float,
    keep: str,
    auto: bool,  # noqa: FBT001 - the same
    quick: bool,  # noqa: FBT001 - the same
    derived_name: str | None,
    reason: str | None,
    token: str,
    estate: Estate,
    *,
    as_json: bool,
) -> None:
    """Write a model in other formats, measure each on this host's engine, and keep the best one in the vault.

    Each is loaded by the engine that would serve it, in the same jail, and measured: tokens a second, memory, how much
    worse it predicts a text than the model as it is, and the acceptance cases of the services that it answers for. The
    fastest within --max-loss becomes a new model, signed and approved on your word. The model itself stays.

    Takes minutes. Interrupted, it leaves nothing behind.
    """
    asked = {
        "formats": [chosen.lower() for chosen in formats] + ([keep.lower()] if formats and keep in FORMATS else []),
        "max_loss": max_loss / 100,
        "keep": keep.lower(),
        "derived_name": derived_name,
        "quick": quick,
        "auto": auto,
        "reason": reason,
    }
    with control(estate) as admin, output.progress() as show:
        if admin.get("status")["status"]["gateways"]:
            output.note("The estate is up: what it serves meanwhile slows what is measured, and is slowed by it.")
        path = f"models/{output.in_path(name)}/tune"
        tuned = admin.acting_with(token).post(path, asked, progress=output.told(show))["tune"]
    if as_json:
        output.emit("tune", tuned)
        return
    show_tuned(tuned)
    tell_outcome(tuned)
    if tuned["in_use"] and tuned["in_use"]["changed"] and supervisor_pid(estate) is not None:
        output.note("The engine that runs takes it at its next start: freehold down, freehold up.")
