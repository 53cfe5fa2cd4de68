# SPDX-License-Identifier: Apache-2.0
"""freehold vault bundle: an estate's models, rules and facts, and the program, in one file for where no network is."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from freehold.bootstrap.launch import control
from freehold.cli import output
from freehold.cli.options import absolute_key, estate_option, examples, json_option, operator_option
from freehold.contract.estate import Estate
from freehold.vault.bundle import look_into, signed_by
from freehold.vault.bundle.starter import this_platform

_PLATFORM = click.Choice(["linux/amd64", "linux/arm64"])
_PART = click.Choice(["settings", "policies", "facts", "acceptance", "bom"])
_DIGEST_CHARACTERS = 71

_file_argument = click.argument("file", metavar="FILE", type=str)
_models_option = click.option(
    "--model", "models", metavar="NAME", multiple=True, help="Only this model. May be given again. Default: all."
)
_without_option = click.option("--without", type=_PART, multiple=True, help="Leave this part out. May be given again.")


@click.group(
    short_help="Models, rules and the program in one signed file, for where there is no network.",
    epilog=examples(
        "freehold vault bundle export estate.tar --program",
        "freehold vault bundle show estate.tar",
        "freehold vault bundle import estate.tar --digest sha256:9f86d081884c7d65...",
    ),
)
def bundle() -> None:
    """Carry an estate to where there is no network: models with their approvals, rules, facts, settings, a bill of
    materials, and the program itself, as one signed OCI layout.

    No key, no password, no call and nothing of the ledger goes into it.
    """


@bundle.command(
    epilog=examples(
        "freehold vault bundle export estate.tar",
        "freehold vault bundle export /media/usb/estate/ --model qwen3-8b --without settings",
        "freehold vault bundle export estate.tar --program --engine",
        "freehold vault bundle export estate.tar --program --platform linux/arm64 --python 3.12 --wheels ./wheels",
    )
)
@_file_argument
@_models_option
@click.option("--no-models", is_flag=True, help="No model at all.")
@_without_option
@click.option("--program", is_flag=True, help="The program as well: its source, and every wheel that its lock names.")
@click.option(
    "--platform",
    "platforms",
    type=_PLATFORM,
    multiple=True,
    help="Where the program is to run. May be given again. Default: a machine such as this one.",
)
@click.option("--python", metavar="3.N", help="The version of Python there. Default: the one that runs here.")
@click.option(
    "--extra", "extras", metavar="NAME", multiple=True, help="The wheels of this extra as well: detector, ..."
)
@click.option(
    "--wheels",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Take the wheels from this folder instead of fetching them.",
)
@click.option("--engine", is_flag=True, help="The engines as well that this estate has built, where they run here.")
@click.option("--key", metavar="URI", help="The private key that signs, file:PATH. Default: the estate's own.")
@operator_option
@estate_option
@json_option
def export(  # noqa: PLR0913, PLR0917 - click gives every option by itself
    file: str,
    models: tuple[str, ...],
    no_models: bool,  # noqa: FBT001 - the same
    without: tuple[str, ...],
    program: bool,  # noqa: FBT001 - the same
    platforms: tuple[str, ...],
    python: str | None,
    extras: tuple[str, ...],
    wheels: Path | None,
    engine: bool,  # noqa: FBT001 - the same
    key: str | None,
    token: str,
    estate: Estate,
    *,
    as_json: bool,
) -> None:
    """Write a bundle to FILE: a tar, or a folder if FILE ends in a slash or is an empty one.

    The same estate gives the same bytes, on any day. What it prints, the digest above all, is for whoever imports the
    bundle: tell them by another way than the bundle itself.
    """
    if no_models and models:
        raise click.UsageError("--no-models and --model exclude each other.")
    if (platforms or extras or wheels or python) and not program:
        raise click.UsageError("--platform, --python, --extra and --wheels say more of --program, which is not there.")
    path = Path(file).expanduser().absolute()
    asked = {
        "path": str(path),
        "folder": file.endswith("/") or path.is_dir(),
        "models": [] if no_models else list(models) or None,
        "without": without,
        "key": absolute_key(key) if key else None,
        "engines": engine,
        "platforms": (platforms or (this_platform()[0],)) if program else (),
        "python": python,
        "extras": extras,
        "wheels": str(wheels.absolute()) if wheels else None,
    }
    with control(estate) as admin, output.progress() as shown:
        written = admin.acting_with(token).post("bundles", asked, progress=output.told(shown))["bundle"]
    if as_json:
        output.emit("bundle", written)
    else:
        _say_exported(file, written, estate, own_key=key is None)


@bundle.command(
    "import",
    epilog=examples(
        "freehold vault bundle import estate.tar --digest sha256:9f86d081884c7d65...",
        "freehold vault bundle import /media/usb/estate/ --key file:headquarters.pem --without settings",
        "freehold vault bundle import estate.tar --key file:headquarters.pem --replace --approve",
    ),
)
@_file_argument
@click.option(
    "--digest", metavar="sha256:HEX", help="The bundle's digest, as its export printed it. Trusts this bundle."
)
@click.option("--key", "keys", metavar="URI", multiple=True, help="A public key, file:PATH. Trusts what it signed.")
@_models_option
@_without_option
@click.option("--replace", is_flag=True, help="Replace rules, facts and settings that differ from the bundle's.")
@click.option("--approve", is_flag=True, help="Let the models run, on your word, that may not yet.")
@click.option("--reason", metavar="TEXT", help="Why they are approved. Kept with the approvals.")
@operator_option
@estate_option
@json_option
def import_(  # noqa: PLR0913, PLR0917 - click gives every option by itself
    file: str,
    digest: str | None,
    keys: tuple[str, ...],
    models: tuple[str, ...],
    without: tuple[str, ...],
    replace: bool,  # noqa: FBT001 - the same
    approve: bool,  # noqa: FBT001 - the same
    reason: str | None,
    token: str,
    estate: Estate,
    *,
    as_json: bool,
) -> None:
    """Take in what a bundle has, once all of it is checked: every digest, every size, and who signed it.

    The signature counts if you name the bundle's digest or the key, if a [trust.NAME] that matches bundle:ORIGIN or
    FILE has the key, or if this estate signed it. Without any of these nothing is taken in. Models keep their
    manifests, signatures and approvals; what of these counts here is this estate's own rule. Interrupted at any point,
    the estate is as before.
    """
    asked = {
        "path": str(Path(file).expanduser().absolute()),
        "keys": [absolute_key(key) for key in keys],
        "digest": _digest(digest) if digest else None,
        "models": list(models) or None,
        "without": without,
        "replace": replace,
        "approve": approve,
        "reason": reason,
    }
    with control(estate) as admin, output.progress() as shown:
        taken = admin.acting_with(token).post("bundles/import", asked, progress=output.told(shown))["bundle"]
    if as_json:
        output.emit("bundle", taken)
    else:
        _say_imported(file, taken)


@bundle.command(epilog=examples("freehold vault bundle show estate.tar"))
@_file_argument
@json_option
def show(file: str, *, as_json: bool) -> None:
    """Read a bundle from end to end, and say what it has. Whoever signed it is named, and not believed."""
    with output.progress() as shown:
        found = look_into(Path(file).expanduser().absolute(), lambda done, total: shown("reading", done, total))
    models = [
        {"name": model.document.manifest.name, "digest": model.document.manifest.digest}
        | {"size_bytes": model.document.manifest.size_bytes, "approvals": len(model.approvals)}
        for model in found.models
    ]
    programs = [{"platform": one.program.platform, "python": one.program.python} for one in found.programs]
    view = {
        "digest": found.digest,
        "origin": found.contents.origin,
        "freehold": found.contents.freehold,
        "key": signed_by(found.sealed),
        "models": models,
        "papers": list(found.papers),
        "programs": programs,
        "engines": len(found.engines),
    }
    if as_json:
        output.emit("bundle", view)
        return
    output.fields(
        {
            "digest": found.digest,
            "estate": found.contents.origin,
            "written by": f"freehold {found.contents.freehold}",
            "signed with": view["key"] or "a certificate",
            "papers": view["papers"],
            "program": [f"{one['platform']}, Python {one['python']}" for one in programs] or "none",
            "engines": len(found.engines) or "none",
        }
    )
    output.say()
    _show_models(models, empty="No model.")
    output.note("All of it is what it is listed as. Whether the key is one to trust, only you can say.")


def _say_exported(file: str, written: Mapping[str, Any], estate: Estate, *, own_key: bool) -> None:
    output.say(f"{file}: {output.size(written['size_bytes'])}")
    output.fields(
        {
            "models": written["models"] or "none",
            "papers": written["papers"] or "none",
            "program": [_program(one) for one in written["programs"]] or "none",
            "engines": written["engines"] or "none",
            "digest": written["digest"],
            "signed with": f"{written['key']}{f', {estate.vault_pub}' if own_key else ''}",
        }
    )
    output.say("\nTell whoever imports it the digest, by another way than the bundle. There, in an estate:")
    output.say(f"  freehold vault bundle import {file} --digest {written['digest']}")
    for program in written["programs"]:
        starter = program["starter"].removeprefix("sha256:")
        output.say(f"\nOn a machine that has Python {program['python']} and nothing else ({program['platform']}):")
        source = (
            f"cp {file}blobs/sha256/{starter}" if file.endswith("/") else f"tar -xOf {file} blobs/sha256/{starter} >"
        )
        output.say(f"  {source} start.py")
        output.say(f"  echo '{starter}  start.py' | sha256sum --check")
        output.say(f"  python3 start.py unpack {file} program {written['digest']}")


def _program(program: Mapping[str, Any]) -> str:
    where = f"{program['platform']} with Python {program['python']} and glibc {program['glibc'] or 'of any kind'}"
    return f"{program['version']} for {where}, {program['wheels']} wheels"


def _say_imported(file: str, taken: Mapping[str, Any]) -> None:
    output.say(f"{file} is of {taken['origin']}, signed by {taken['signer']}, and all of it is as it was exported.")
    output.say()
    _show_models(taken["models"], empty="No model came in.")
    if taken["papers"]:
        output.say()
        rows = [(paper["path"], _OUTCOMES[paper["outcome"]]) for paper in taken["papers"]]
        output.table(("paper", "came in as"), rows, empty="")
    for engine in taken["engines"]:
        left = f"is left out: {engine['problem']}" if engine["problem"] else "is here, and runs from the next start on"
        output.say(f"engine {engine['digest'][:19]}... {left}")
    for model in taken["models"]:
        if not model["may_run"]:
            output.note(f"{model['name']} may not run yet: {model['why']}.\n  freehold vault approve {model['name']}")
    if taken["reload"]:
        output.note("What came in of settings, rules and facts is in force after 'freehold reload', or the next start.")


_OUTCOMES = {"new": "new", "same": "the same as here", "replaced": "in place of what was here"}


def _show_models(models: Sequence[Mapping[str, Any]], *, empty: str) -> None:
    rows = [
        (model["name"], output.size(model["size_bytes"]), model["digest"][:19] + "...", _standing(model))
        for model in models
    ]
    last = "approvals" if models and "approvals" in models[0] else "standing"
    output.table(("model", "size", "digest", last), rows, empty=empty)


def _standing(model: Mapping[str, Any]) -> str:
    if "approvals" in model:
        return str(model["approvals"])
    here = "" if model["new"] else "was here already; "
    return f"{here}{'may run' if model['may_run'] else 'may not run yet'}"


def _digest(text: str) -> str:
    digest = text if text.startswith("sha256:") else f"sha256:{text}"
    if len(digest) != _DIGEST_CHARACTERS or set(digest[7:]) - set("0123456789abcdef"):
        raise click.BadParameter(f"{text!r} is not sha256: and 64 hexadecimal digits in small letters")
    return digest
