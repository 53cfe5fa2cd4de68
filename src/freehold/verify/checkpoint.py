# SPDX-License-Identifier: Apache-2.0
"""Check a checkpoint: that the log signed it, and that the quorum of witnesses cosigned it.

It says nothing of any entry.
"""

from argparse import ArgumentParser, Namespace

from freehold.verify.sources import chosen_trust, read_file
from freehold.verify.verdict import Verdict, add_head, head_facts


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the checkpoint; - is standard input")


def verify(asked: Namespace) -> Verdict:
    policy = chosen_trust(asked)
    trusted = policy.open(read_file(asked.file))
    verdict = Verdict(facts=head_facts(trusted))
    add_head(verdict, trusted, policy)
    verdict.not_proved.append("that any entry is in the tree: a receipt proves that")
    return verdict
