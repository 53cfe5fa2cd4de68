# SPDX-License-Identifier: Apache-2.0
"""What a person sees once the estate is up: one real answer with its receipt verified, and how to ask for more."""

import http.client
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import click

from freehold.admin.client import AdminClient
from freehold.bootstrap.start import ANSWERING, Up
from freehold.cli import output
from freehold.cli.public import connect, passing_key
from freehold.contract.backend import BackendKind
from freehold.contract.estate import Estate
from freehold.errors import EstateError
from freehold.ledger.check.issuing import receipt_for
from freehold.ledger.check.receipt import CheckedReceipt, check_receipt

_QUESTION = "What is the capital of France? Answer in one short sentence."
_SILENCE_S = 120.0
_SESSION_S = 120.0
_END_S = 2.0  # for the end of the call to be on record, before it passes for open
_BETWEEN_LOOKS_S = 0.02


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
    if _is_owned(status["services"][0], status["targets"]):  # nobody else is asked only to greet
        # of the keys that were made before, nobody here knows the secret
        some_key = nullcontext(key) if key else passing_key(begun.client, "freehold up", lives_s=_SESSION_S)
        with some_key as secret:
            answer = _ask(estate, status["base_url"], secret, service)
        _tell_answer(answer)
        _tell_receipt(estate, begun.client, answer)
    _tell_names(status["services"])
    _tell_how(status["base_url"], service, key)


def _is_owned(service: Mapping[str, Any], targets: Sequence[Mapping[str, Any]]) -> bool:
    """Whether all targets of a service are engines of the estate, and one of them can answer."""
    known = {target["target"]: target for target in targets if target["kind"] == BackendKind.ENGINE}
    return all(name in known for name in service["targets"]) and any(
        known[name]["state"] in ANSWERING for name in service["targets"]
    )


def _ask(estate: Estate, base_url: str, key: str, service: str) -> Answer:
    began_s = time.monotonic()
    question = {"role": "user", "content": _QUESTION}
    body = json.dumps({"model": service, "messages": [question], "max_tokens": 48, "temperature": 0})
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection = connect(estate, base_url, silence_s=_SILENCE_S)
    try:
        connection.request("POST", "/v1/chat/completions", body=body, headers=headers)
        response = connection.getresponse()
        told = json.load(response)
        return Answer(
            text=told["choices"][0]["message"]["content"].strip(),
            model=told["model"],
            receipt=response.headers["Freehold-Receipt"],
            seconds=time.monotonic() - began_s,
        )
    except (OSError, http.client.HTTPException, ValueError, LookupError) as exc:
        raise EstateError(
            "the estate is up, and its public API did not answer a question", hint="'freehold doctor' tells more."
        ) from exc
    finally:
        connection.close()


def _tell_target(target: dict[str, Any]) -> None:
    """One line of good news, or why there is none; and a loud one where the jail is not whole."""
    name = f"{target['target']} ({target['model']})"
    if target["kind"] == BackendKind.PROVIDER:
        _tell_provider(name, target)
        return
    if target["state"] in ANSWERING:
        shape = ", ".join(_counted(target[part], part) for part in ("slots", "threads"))
        output.say(f"{click.style('ready', fg='green')}  {name}: {target['context_tokens']} tokens of context, {shape}")
    else:
        output.say(f"{click.style(target['state'], fg='red', bold=True)}  {name}: {target['reason']}")
    if target["state"] == "ready" and not target["sealed"]:
        for missing in target["jail"]["missing"]:
            output.say(f"{click.style('NOT JAILED', fg='red', bold=True)}  {name}: {missing}")


def _tell_provider(name: str, target: dict[str, Any]) -> None:
    """Who it is, and who can compel them. It was not asked anything."""
    where = f"{target['provider']} at {target['host']}, authorities {', '.join(target['authorities']) or 'none'}"
    if target["reason"]:
        output.say(f"{click.style(target['state'], fg='red', bold=True)}  {name}: {where}; {target['reason']}")
    else:
        output.say(f"{click.style('provider', fg='yellow')}  {name}: {where}; policy says which calls it may see")


def _counted(number: int, things: str) -> str:
    return f"{number} {things if number != 1 else things.removesuffix('s')}"


def _tell_answer(answer: Answer) -> None:
    output.say()
    output.say(f"You    {_QUESTION}")
    output.say(f"Model  {click.style(answer.text, bold=True)}")
    output.say(f"       {answer.model}, on this machine, in {answer.seconds:.1f} s")


def _tell_receipt(estate: Estate, admin: AdminClient, answer: Answer) -> None:
    """Verify the answer's receipt as an auditor would: with the public key, and nothing else of the estate."""
    checked = _checked(estate, admin, answer.receipt)
    ending = checked.outcome.ending if checked.outcome else "still open"
    output.say(f"       receipt {answer.receipt}: {click.style('verified', fg='green')}; the call is {ending}")


def _checked(estate: Estate, admin: AdminClient, named: str) -> CheckedReceipt:
    """The receipt, with the call's end: the answer is here a moment before the ledger has that."""
    origin, _, index = named.rpartition("/")
    vkey = estate.ledger_vkey.read_text(encoding="utf-8").strip()
    until_s = time.monotonic() + _END_S
    while True:
        admin.post("ledger/publish")
        checked = check_receipt(receipt_for(estate.ledger, origin, int(index)), vkey)
        if checked.outcome or time.monotonic() >= until_s:
            return checked
        time.sleep(_BETWEEN_LOOKS_S)


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
