# SPDX-License-Identifier: Apache-2.0
"""What a person sees once the estate is up: one real answer with its receipt verified, and how to ask for more."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click

from freehold.admin.client import AdminClient
from freehold.bootstrap.start import Up
from freehold.cli import output
from freehold.contract.estate import Estate
from freehold.errors import EstateError
from freehold.ledger.receipt import check_receipt, receipt_for

_QUESTION = "What is the capital of France? Answer in one short sentence."
_ANSWERED_WITHIN_S = 120.0
_SESSION_S = 120.0
ANSWERING = ("ready", "asleep")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer of the public API, and what its headers say of it."""

    text: str
    model: str
    receipt: str
    seconds: float


def welcome(estate: Estate, begun: Up) -> None:
    """Ask, verify, and tell where everything is."""
    status, key = begun.status, begun.first_key
    service = status["services"][0]["name"]
    for target in status["targets"]:
        _tell_target(target)
    if any(target["state"] in ANSWERING for target in status["targets"]):
        with _some_key(begun.client, key) as usable:
            answer = _ask(status["base_url"], usable, service)
        _tell_answer(answer)
        _tell_receipt(estate, begun.client, answer)
    _tell_names(status["services"])
    _tell_how(status["base_url"], service, key)


@contextmanager
def _some_key(admin: AdminClient, first_key: str) -> Iterator[str]:
    """The first key, or one that lives for this question only: of the others nobody here knows the secret."""
    if first_key:
        yield first_key
        return
    made = admin.post("keys", {"label": "freehold up", "expires_in_s": _SESSION_S})["key"]
    try:
        yield made["secret"]
    finally:
        admin.post(f"keys/{made['id']}/revoke")


def _ask(base_url: str, key: str, service: str) -> Answer:
    began_s = time.monotonic()
    request = urllib.request.Request(  # noqa: S310 - the estate's own address, always http or https
        f"{base_url}/v1/chat/completions",
        data=json.dumps(
            {
                "model": service,
                "messages": [{"role": "user", "content": _QUESTION}],
                "max_tokens": 48,
                "temperature": 0,
            }
        ).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=_ANSWERED_WITHIN_S) as response:  # noqa: S310 - as above
            body = json.load(response)
    except (urllib.error.URLError, TimeoutError, ValueError) as exc:
        raise EstateError(
            "the estate is up, and its public API did not answer a question", hint="'freehold doctor' tells more."
        ) from exc
    return Answer(
        text=body["choices"][0]["message"]["content"].strip(),
        model=body["model"],
        receipt=response.headers["freehold-receipt"],
        seconds=time.monotonic() - began_s,
    )


def _tell_target(target: dict[str, Any]) -> None:
    """One line of good news, or why there is none; and a loud one where the jail is not whole."""
    name = f"{target['target']} ({target['model']})"
    if target["state"] in ANSWERING:
        shape = f"{target['context_tokens']} tokens of context, {target['slots']} slots, {target['threads']} threads"
        output.say(f"{click.style('ready', fg='green')}  {name}: {shape}")
    else:
        output.say(f"{click.style(target['state'], fg='red', bold=True)}  {name}: {target['reason']}")
    if target["state"] == "ready" and not target["sealed"]:
        for missing in target["jail"]["missing"]:
            output.say(f"{click.style('NOT JAILED', fg='red', bold=True)}  {name}: {missing}")


def _tell_answer(answer: Answer) -> None:
    output.say()
    output.say(f"You    {_QUESTION}")
    output.say(f"Model  {click.style(answer.text, bold=True)}")
    output.say(f"       {answer.model}, on this machine, in {answer.seconds:.1f} s")


def _tell_receipt(estate: Estate, admin: AdminClient, answer: Answer) -> None:
    """Verify the answer's receipt as an auditor would: with the public key, and nothing else of the estate."""
    admin.post("ledger/publish")
    origin, _, index = answer.receipt.rpartition("/")
    receipt = receipt_for(estate.ledger, origin, int(index))
    vkey = estate.ledger_vkey.read_text(encoding="utf-8").strip()
    checked = check_receipt(receipt, vkey)
    ending = checked.outcome.ending if checked.outcome else "still open"
    output.say(f"       receipt {answer.receipt}: {click.style('verified', fg='green')}; the call is {ending}")


def _tell_names(services: list[dict[str, Any]]) -> None:
    output.say()
    for service in services:
        aliases = ", ".join(service["aliases"])
        output.say(f"The service {service['name']!r} answers to its name" + (f" and to {aliases}." if aliases else "."))


def _tell_how(base_url: str, model: str, first_key: str) -> None:
    """What to paste, for each kind of client."""
    key = first_key or "$FREEHOLD_API_KEY"
    output.say()
    output.say(f"Base URL  {click.style(f'{base_url}/v1', bold=True)}")
    if first_key:
        output.say(f"API key   {click.style(key, bold=True)}   shown this once: only its SHA-256 is kept")
    else:
        output.say("API key   the one that you were shown when it was made; 'freehold key create' makes another")
    output.say(_HOW.format(base_url=base_url, model=model, key=key))


_HOW = """
curl {base_url}/v1/chat/completions -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \\
  -d '{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello"}}]}}'

from openai import OpenAI
OpenAI(base_url="{base_url}/v1", api_key="{key}").responses.create(model="{model}", input="Hello").output_text

from anthropic import Anthropic
Anthropic(base_url="{base_url}", api_key="{key}").messages.create(
    model="{model}", max_tokens=64, messages=[{{"role": "user", "content": "Hello"}}]).content[0].text

from mistralai.client import Mistral
Mistral(server_url="{base_url}", api_key="{key}").chat.complete(
    model="{model}", messages=[{{"role": "user", "content": "Hello"}}]).choices[0].message.content

freehold chat       talk to it here          freehold status   what runs, and how it is jailed
freehold key create make a key for others    freehold down     stop all of it"""
