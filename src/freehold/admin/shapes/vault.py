# SPDX-License-Identifier: Apache-2.0
"""Answers about models, bundles and engines."""

from typing import Literal

from msgspec import UNSET, UnsetType

from freehold.admin.shapes.common import At, Digest, ETag, Next, Shape
from freehold.vault.manifest import Manifest

_Text = str | UnsetType


class ModelKnown(Manifest, frozen=True):
    """The manifest, and what changes when somebody signs or approves."""

    etag: ETag


class ModelRow(ModelKnown, frozen=True):
    """The last three where they were asked for."""

    targets: list[str]
    may_run: bool | UnsetType = UNSET
    why: str | UnsetType = UNSET
    signed_by: list[str] | UnsetType = UNSET


class Models(Shape, frozen=True):
    models: list[ModelRow]
    next: Next


class SignatureSeen(Shape, frozen=True):
    signer: str
    key: str
    manifest_too: bool
    problem: str


class CustodyOf(Shape, frozen=True):
    name: str
    manifest_digest: Digest
    may_run: bool
    why: str
    mode: str
    concerns: list[str]
    notes: list[str]
    sentences: list[str]
    wants_reason: bool
    signatures: list[SignatureSeen]


class OneCustody(Shape, frozen=True):
    custody: CustodyOf


class ApprovalSeen(Shape, frozen=True):
    by: str
    at: At
    reason: str


class Relative(Shape, frozen=True):
    """A model that another was made of. ``name`` is null where the vault does not have it."""

    digest: Digest
    name: str | None


class LineageSeen(Shape, frozen=True):
    parents: list[Relative]
    children: list[Relative]
    done: str


class FormatMeasured(Shape, frozen=True):
    format: str
    original: bool
    quantisation: str
    size_bytes: int
    digest: str
    tool: str
    prompt_tokens_per_s: float | None
    answer_tokens_per_s: float | None
    memory_bytes: int | None
    perplexity: float | None
    loss: float | None
    loss_error: float | None
    call_s: float | None
    speedup: float | None
    cases_passed: int | None
    cases: int | None
    problem: str
    objection: str


class InUse(Shape, frozen=True):
    targets: list[str]
    file: str
    changed: bool


class TuneFound(Shape, frozen=True):
    model: str
    quick: bool
    max_loss: float
    cores: int
    threads: int
    engine: str
    engine_digest: str
    quantisation: str
    text_tokens: int
    formats: list[FormatMeasured]
    chosen: str | None
    why_none: str
    disturbance: float
    speedup: float | None
    derived: Manifest | None
    was_there: bool
    in_use: InUse | None


class Tuned(Shape, frozen=True):
    tune: TuneFound


class TuningKept(TuneFound, frozen=True):
    at: At
    by: str


class Tunings(Shape, frozen=True):
    tunings: list[TuningKept]


class OneModel(Shape, frozen=True):
    model: ModelKnown
    targets: list[str]
    custody: CustodyOf
    approvals: list[ApprovalSeen]
    template: str | None
    lineage: LineageSeen
    tunings: list[TuningKept]


class ModelAlone(Shape, frozen=True):
    model: Manifest


class ImportedModel(Shape, frozen=True):
    model: Manifest
    new: bool
    left_out: list[str]
    custody: CustodyOf


class ProgramOut(Shape, frozen=True):
    platform: str
    python: str
    glibc: str
    version: str
    wheels: int
    starter: str


class BundleWritten(Shape, frozen=True):
    path: str
    digest: Digest
    size_bytes: int
    key: str
    models: list[str]
    papers: list[str]
    engines: int
    programs: list[ProgramOut]


class WrittenBundle(Shape, frozen=True):
    bundle: BundleWritten


class ModelTaken(Shape, frozen=True):
    name: str
    digest: Digest
    size_bytes: int
    may_run: bool
    why: str
    new: bool


class PaperTaken(Shape, frozen=True):
    path: str
    outcome: str


class ProgramTaken(Shape, frozen=True):
    platform: str
    python: str


class EngineTaken(Shape, frozen=True):
    digest: Digest
    version: str
    problem: str


class BundleTaken(Shape, frozen=True):
    digest: Digest
    origin: str
    freehold: str
    signer: str
    models: list[ModelTaken]
    papers: list[PaperTaken]
    left_out: list[str]
    programs: list[ProgramTaken]
    engines: list[EngineTaken]
    reload: bool


class TakenBundle(Shape, frozen=True):
    bundle: BundleTaken


class EngineKnown(Shape, frozen=True):
    """What follows ``runs`` is told of engines that were built here, where their record can be read."""

    kind: Literal["built", "path", "package"]
    digest: str
    version: str
    problem: str
    runs: bool
    source: _Text = UNSET
    source_digest: _Text = UNSET
    compiler: _Text = UNSET
    cmake: _Text = UNSET
    options: list[str] | UnsetType = UNSET
    machine: _Text = UNSET
    cpu_features: list[str] | UnsetType = UNSET
    programs: dict[str, str] | UnsetType = UNSET
    built_at: _Text = UNSET


class Engines(Shape, frozen=True):
    engines: list[EngineKnown]
    next: Next


class OneEngine(Shape, frozen=True):
    engine: EngineKnown
