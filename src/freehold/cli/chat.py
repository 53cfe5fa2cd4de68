# SPDX-License-Identifier: Apache-2.0
"""freehold chat: a conversation in the terminal, through the public API like any application's."""

import http.client
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import click
import msgspec

from freehold.admin.readable import require_estate
from freehold.bootstrap.launch import control, supervisor_pid
from freehold.cli import output
from freehold.cli.options import estate_option, examples
from freehold.cli.public import connect, passing_key
from freehold.contract.estate import Estate
from freehold.errors import EstateError, Fault, InvalidRequest, PolicyDenied

_KEY_S = 12 * 3600.0  # should this process be killed before it revokes its key
_SILENCE_S = 600.0
_BOUND = {"max_tokens": 1024}  # a small model may not find an end by itself
_LEAVE = ("/quit", "/exit", "/q")


@click.command(
    short_help="Talk to a service in the terminal.",
    epilog=examples(
        "freehold chat",
        "freehold chat default --once 'Name three rivers.'",
        "freehold chat < question.txt",
    ),
)
@click.argument("service", default="default")
@click.option("--once", metavar="QUESTION", help="Ask this, print the answer and leave.")
@estate_option
def chat(service: str, once: str | None, estate: Estate) -> None:
    """Talk to a service of the estate, 'default' if none is named, and see the receipt of each answer.

    Goes through the public API, with a key of its own that is revoked at the end. Answers are printed on standard
    output, all else on standard error. Without a terminal the question is read from standard input.
    """
    with _line(estate, service) as line:
        if once is not None:
            line.ask(once)
        elif sys.stdin.isatty():
            _converse(line)
        else:
            line.ask(sys.stdin.read())


def _converse(line: "_Line") -> None:
    output.note(f"Talking to {line.service}. {_LEAVE[0]} or Ctrl-D ends it.")
    while True:
        try:
            question = input("> ").strip()
        except EOFError:
            output.note("")
            return
        if question in _LEAVE:
            return
        if question:
            line.ask(question)


@contextmanager
def _line(estate: Estate, service: str) -> Iterator["_Line"]:
    """A way to the service, with a key that lives as long."""
    require_estate(estate)
    if supervisor_pid(estate) is None:
        raise EstateError(f"the estate in {estate.directory} is down", hint="'freehold up --detach' starts it.")
    with control(estate) as admin:
        base_url = admin.get("status")["status"]["base_url"]
        with passing_key(admin, "freehold chat", lives_s=_KEY_S, services=[service]) as secret:
            yield _Line(partial(connect, estate, base_url, silence_s=_SILENCE_S), secret, service)


class _Delta(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    delta: _Delta


class _Error(msgspec.Struct):
    message: str


class _Chunk(msgspec.Struct):
    """The part that matters here of an OpenAI chunk, or of an error in its place."""

    choices: list[_Choice] = []
    error: _Error | None = None


@dataclass(frozen=True, slots=True)
class _Shown:
    """One answer, as it was printed."""

    text: str
    target: str
    receipt: str


class _Line:
    """A conversation with one service."""

    def __init__(self, connect: Callable[[], http.client.HTTPConnection], secret: str, service: str) -> None:
        self.service = service
        self._connect = connect
        self._secret = secret
        self._messages: list[dict[str, str]] = []

    def ask(self, question: str) -> None:
        """Print the answer as it comes, then who gave it. Raises Fault, PolicyDenied, InvalidRequest."""
        messages = [*self._messages, {"role": "user", "content": question}]
        shown = self._stream({"model": self.service, "messages": messages, "stream": True, **_BOUND})
        self._messages = [*messages, {"role": "assistant", "content": shown.text}]
        output.note(click.style(f"[{shown.target}; receipt {shown.receipt}]", dim=True))

    def _stream(self, request: Mapping[str, object]) -> _Shown:
        connection = self._connect()
        try:
            headers = {"Authorization": f"Bearer {self._secret}", "Content-Type": "application/json"}
            connection.request("POST", "/v1/chat/completions", body=json.dumps(request), headers=headers)
            response = connection.getresponse()
            if response.status != http.client.OK:
                raise _problem(response)
            text = "".join(_printed(_deltas(response)))
            output.say()
            return _Shown(
                text,
                response.headers.get("Freehold-Target", "?"),
                response.headers.get("Freehold-Receipt", "?"),
            )
        except (OSError, EOFError, http.client.HTTPException, msgspec.MsgspecError) as exc:
            raise Fault("the gateway broke off, or answered what is not its protocol") from exc
        finally:
            connection.close()


def _deltas(response: http.client.HTTPResponse) -> Iterator[str]:
    """The text of an OpenAI stream. Raises Fault for an error that it ends with, EOFError if it ends too soon."""
    for raw in response:
        line = raw.strip()
        if not line.startswith(b"data:"):
            continue
        data = line.removeprefix(b"data:").strip()
        if data == b"[DONE]":
            return
        chunk = msgspec.json.decode(data, type=_Chunk)
        if chunk.error is not None:
            raise Fault(chunk.error.message)
        yield from (choice.delta.content or "" for choice in chunk.choices)
    raise EOFError


def _printed(pieces: Iterator[str]) -> Iterator[str]:
    for piece in pieces:
        sys.stdout.write(piece)
        sys.stdout.flush()
        yield piece


def _problem(response: http.client.HTTPResponse) -> Fault | InvalidRequest | PolicyDenied:
    error = msgspec.json.decode(response.read(), type=_Chunk).error
    message = error.message if error is not None else f"the gateway answered {response.status}"
    if response.status == http.client.FORBIDDEN:
        return PolicyDenied(message, decision_id=response.headers.get("Freehold-Decision", ""))
    return Fault(message) if response.status >= http.client.INTERNAL_SERVER_ERROR else InvalidRequest(message, hint="")
