# SPDX-License-Identifier: Apache-2.0
"""A model as a person sees it who is to say whether it may run."""

from collections.abc import Mapping
from typing import Any

import click

from freehold.cli import output

_SHOWN_FILES = 40
_SHOWN_CHARACTERS = 300  # of a sentence; --json has it whole


def show_model(model: Mapping[str, Any], custody: Mapping[str, Any]) -> None:
    """What it is, what it is made of, where it comes from, who signed it, what was found in it, and its standing."""
    output.fields(_fields(model, custody["manifest_digest"]))
    output.say()
    _show_files(model["files"])
    for signed in custody["signatures"]:
        _show_signature(signed)
    for sentence in custody["sentences"]:
        output.say(f"its chat template says by itself: {_one_line(sentence)}")
    for note in custody["notes"]:
        output.say(f"note: {note}")
    for concern in custody["concerns"]:
        output.say(click.style(f"! {concern}", fg="yellow"))
    output.say()
    if custody["may_run"]:
        output.say(f"It may run: {custody['why']}")
    else:
        output.say(click.style(f"It may not run: {custody['why']}", fg="red"))


def _one_line(text: str) -> str:
    """Somebody else's text as a terminal may have it."""
    cut = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
    return repr(cut)


def _fields(model: Mapping[str, Any], manifest_digest: str) -> dict[str, object]:
    lineage = model["lineage"]
    return {
        "name": model["name"],
        "title": model["title"],
        "digest": model["digest"],
        "manifest": manifest_digest,
        "format": f"{model['format']}, {model['architecture']}, {model['quantisation']}",
        "parameters": model["parameters"],
        "context": model["context_train_tokens"],
        "chat template": model["chat_template_digest"] or "none",
        "tokenizer": f"{model['tokenizer']} {model['tokenizer_digest']}".strip(),
        "licence": model["licence"] or model["licence_digest"] or "not stated",
        "origin": model["origin"],
        "repository": f"{model['repository']} {model['revision']}".strip(),
        "archive": model["source_digest"],
        "lineage": f"{lineage['done']} ({', '.join(lineage['parents'])})" if lineage["done"] else "as it came",
        "imported": model["imported_at"],
    }


def _show_files(files: list[dict[str, Any]]) -> None:
    rows = [(file["path"], output.size(file["size_bytes"]), file["digest"]) for file in files[:_SHOWN_FILES]]
    output.table(("file", "size", "digest"), rows, empty="no file")
    if len(files) > _SHOWN_FILES:
        output.say(f"and {len(files) - _SHOWN_FILES} more, which --json shows")


def _show_signature(signed: Mapping[str, Any]) -> None:
    who = signed["signer"] or "a key that is not known here"
    what = "its files and its manifest" if signed["manifest_too"] else "its files"
    key = f" ({signed['key'][:16]}...)" if signed["key"] else " (by certificates)"
    if signed["problem"]:
        output.say(click.style(f"! a signature of {who}{key} does not count: {signed['problem']}", fg="yellow"))
    else:
        output.say(f"{what} signed by {who}{key}")
