# SPDX-License-Identifier: Apache-2.0
"""A chat template as a tree. Jinja's own parser makes it, in the dialect that engines render; nothing is ever rendered.

jinja2 is loaded by the first template: most commands read none.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from freehold.errors import VaultError

if TYPE_CHECKING:
    from jinja2 import nodes

MAX_CHARACTERS = 256 * 2**10  # the longest of 88 public templates has 17,000
_MAX_NODES = 20_000  # of those 88, 1,300


def parse(text: str, place: str) -> "nodes.Template":
    """Read a template. Raises VaultError, and nothing else for whatever the text may be."""
    from jinja2 import TemplateSyntaxError  # noqa: PLC0415 - see above

    from freehold.vault.inspect.templates.dialect import environment  # noqa: PLC0415 - imports jinja2

    if len(text) > MAX_CHARACTERS:
        raise VaultError(f"{place}: the template has {len(text)} characters; at most {MAX_CHARACTERS} are read")
    try:
        tree = environment().parse(text)
    except TemplateSyntaxError as exc:
        raise VaultError(f"{place}, line {exc.lineno}: the template is not Jinja as chat templates use it") from exc
    except RecursionError as exc:
        raise VaultError(f"{place}: the template is nested deeper than any that is meant to be read") from exc
    except (ValueError, OverflowError, MemoryError) as exc:  # a number of thousands of digits, or a lone surrogate
        raise VaultError(f"{place}: the template holds a number or a text that no reader keeps") from exc
    for count, _ in enumerate(descend(tree)):
        if count > _MAX_NODES:
            raise VaultError(f"{place}: the template has more than {_MAX_NODES} parts")
    return tree


def descend(root: "nodes.Node") -> Iterator["nodes.Node"]:
    """The node and all below it, in the order of the text. Without recursion: a long sum is a deep tree."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(list(node.iter_child_nodes())))
