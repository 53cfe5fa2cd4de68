# SPDX-License-Identifier: Apache-2.0
"""Jinja as chat templates use it: sandboxed, with break and continue, and with the mark for what the model generated.

The dialect is that of Hugging Face's transformers, which vLLM and llama.cpp follow.
"""

from functools import cache

from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment


class _Generation(Extension):
    """``{% generation %}`` marks what the model said, for training. It changes nothing in the text."""

    tags = {"generation"}  # noqa: RUF012 - as the base class has it

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.Scope(body, lineno=line)


@cache
def environment() -> ImmutableSandboxedEnvironment:
    """The one environment. It has no loader, so a template could reach no other."""
    return ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols])
