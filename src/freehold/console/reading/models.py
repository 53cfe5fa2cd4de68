# SPDX-License-Identifier: Apache-2.0
"""Models of the vault as their pages show them: what they are, who answers for them, what became of them."""

import msgspec

from freehold.console.drawing.scatter import Point, Scatter, scatter

_MARKS = "abcdefghijklmnop"


class File(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a model."""

    path: str
    digest: str
    size_bytes: int


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """What the vault's manifest says, and of a list what was found about it besides."""

    name: str
    digest: str
    size_bytes: int
    files: tuple[File, ...]
    format: str
    title: str
    architecture: str
    parameters: int
    quantisation: str
    context_train_tokens: int
    chat_template_digest: str
    tokenizer: str
    tokenizer_digest: str
    licence: str
    licence_digest: str
    origin: str
    repository: str
    revision: str
    imported_at: str
    etag: str = ""
    targets: tuple[str, ...] = ()
    may_run: bool | None = None
    why: str = ""
    signed_by: tuple[str, ...] = ()


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """Who signed a model's files, and whether that holds."""

    signer: str  # empty: the key is not one that the estate was told of
    key: str
    manifest_too: bool
    problem: str


class Custody(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a model may run, and what there is to say before it is approved."""

    manifest_digest: str
    may_run: bool
    why: str
    mode: str
    concerns: tuple[str, ...]
    notes: tuple[str, ...]
    sentences: tuple[str, ...]
    wants_reason: bool
    signatures: tuple[Signature, ...]


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """One person's word."""

    by: str
    at: str
    reason: str


class Relative(msgspec.Struct, frozen=True, kw_only=True):
    """A model that this one was made of, or that was made of it. ``name`` is None where the vault has it not."""

    digest: str
    name: str | None = None


class Lineage(msgspec.Struct, frozen=True, kw_only=True):
    """Where it comes from, and what came of it."""

    parents: tuple[Relative, ...] = ()
    children: tuple[Relative, ...] = ()
    done: str = ""


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """A model in one format, as it was measured. What was not measured is None."""

    format: str
    original: bool
    quantisation: str
    size_bytes: int
    prompt_tokens_per_s: float | None
    answer_tokens_per_s: float | None
    memory_bytes: int | None
    loss: float | None
    loss_error: float | None
    call_s: float | None
    speedup: float | None
    cases_passed: int | None
    cases: int | None
    problem: str
    objection: str


class Derived(msgspec.Struct, frozen=True, kw_only=True):
    """The model that a tuning made."""

    name: str


class Tuning(msgspec.Struct, frozen=True, kw_only=True):
    """What a tuning found."""

    model: str
    quick: bool
    max_loss: float
    cores: int
    threads: int
    engine: str
    text_tokens: int
    formats: tuple[Format, ...]
    chosen: str | None
    why_none: str
    disturbance: float
    speedup: float | None
    derived: Derived | None
    at: str = ""
    by: str = ""

    @property
    def rows(self) -> tuple[tuple[str, Format], ...]:
        """Every format, with its letter in the chart."""
        return tuple(zip(_MARKS, self.formats, strict=False))

    @property
    def chart(self) -> Scatter | None:
        """Speed to the right, loss upward. None where there is nothing to compare."""
        points = [
            Point(mark=mark, x=row.speedup, y=row.loss, chosen=row.format == self.chosen and not row.original)
            for mark, row in self.rows
            if row.speedup is not None and row.loss is not None
        ]
        return scatter(points, limit=self.max_loss) if len(points) > 1 else None


class Whole(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of ``GET models/{name}``: all that is known of one."""

    model: Model
    custody: Custody
    targets: tuple[str, ...] = ()
    approvals: tuple[Approval, ...] = ()
    template: str | None = None  # its text; none is there, or several
    lineage: Lineage = msgspec.field(default_factory=Lineage)
    tunings: tuple[Tuning, ...] = ()


class Models(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of ``GET models``."""

    models: tuple[Model, ...]
    next: str | None = None
