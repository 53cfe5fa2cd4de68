# SPDX-License-Identifier: Apache-2.0
"""The parts that documents of evidence have in common: what was not answered, and what all of it rests on."""

from freehold.assess.evidence.document import Bullets, Command, Section, Table, Text
from freehold.assess.evidence.questions import Asked
from freehold.assess.evidence.wording import counted


def questions(missing: tuple[Asked, ...]) -> Section:
    """The questions that only a person can answer, and nobody has."""
    if not missing:
        told = Text(text="Every question that a person has to answer is answered.")
        return Section(title="Not answered", blocks=(told,))
    rows = tuple((one.id, one.about, one.text, one.takes) for one in missing)
    return Section(
        title="Not answered",
        blocks=(
            Text(text=f"Not answered yet: {counted(len(missing), 'question')} that only a person can answer."),
            Command(text='freehold evidence answer ID VALUE --about SUBJECT --by NAME --source "..."'),
            Table(headings=("id", "about", "question", "takes"), rows=rows),
        ),
    )


def rests_on(policy: str, facts: str, answers: str, sources: tuple[str, ...]) -> Section:
    """Digests of what was read, and the sources."""
    rows = (
        ("rules", f"{policy}, as in the estate's files"),
        ("facts", facts),
        ("answers", answers or "there are none yet"),
        ("ledger", "head checked, entries counted; 'freehold ledger verify' checks each"),
    )
    blocks = (Table(headings=("what", "which"), rows=rows), Bullets(title="Sources", items=sources))
    return Section(title="What it rests on", blocks=blocks if sources else blocks[:1])
