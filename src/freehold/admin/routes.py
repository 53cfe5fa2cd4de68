# SPDX-License-Identifier: Apache-2.0
"""The admin API's table: one line per operation. docs/reference/admin-api.md tells each; a test compares them."""

from freehold.admin import problems
from freehold.admin.means import Answer
from freehold.admin.openapi import document
from freehold.admin.operations import Asker, Operations
from freehold.admin.requests import (
    ApproveModel,
    BuildEngine,
    ByCode,
    ByDigest,
    ById,
    ByIndex,
    ByName,
    ByOperator,
    ByPath,
    ClearAlarm,
    CompareDrills,
    CreateKey,
    CreateOperator,
    ExplainCall,
    ExportBundle,
    Forget,
    ImportBundle,
    ImportModel,
    IssueDirective,
    ListDirectives,
    ListModels,
    Nothing,
    Page,
    Period,
    ProveClaims,
    PruneLedger,
    QualifyTarget,
    RestoreTarget,
    RunDrill,
    SealPack,
    SearchLedger,
    SignDirective,
    SignModel,
    Since,
    TabulatePolicy,
    TakeReceipt,
    Talk,
    TuneModel,
    WithdrawTarget,
)
from freehold.admin.route import ROOT, Route
from freehold.admin.shapes import common, estate, law, orders, record, vault

__all__ = ["OPEN_TO_ALL", "ROOT", "ROUTES", "Route"]

OPEN_TO_ALL = ROOT + "health"  # needs no token


async def _show_key(on: Operations, what: ById, by: Asker) -> Answer:
    return await on.keyring.show_key(what, by.id)


async def _show_operator(on: Operations, what: ById, by: Asker) -> Answer:
    return await on.keyring.show_operator(what, by.id)


async def _show_directive(on: Operations, what: ById, by: Asker) -> Answer:
    return await on.directing.show_directive(what, by.id)


async def _preview_directive(on: Operations, what: IssueDirective, by: Asker) -> Answer:
    return await on.directing.preview(what, by.id)


async def _show_target(on: Operations, what: ByName, by: Asker) -> Answer:
    return await on.deciding.show_target(what, by.id)


async def _show_model(on: Operations, what: ByName, by: Asker) -> Answer:
    return await on.modelling.show_model(what, by.id)


async def _show_alarm(on: Operations, what: ById, by: Asker) -> Answer:
    return await on.witnessing.show_alarm(what, by.id)


async def _openapi(on: Operations, what: Nothing, by: Asker) -> Answer:  # noqa: ARG001 - an operation's shape
    return document(ROUTES)


async def _list_problems(on: Operations, what: Nothing, by: Asker) -> Answer:  # noqa: ARG001 - an operation's shape
    return {"problems": problems.kinds()}


async def _show_problem(on: Operations, what: ByCode, by: Asker) -> Answer:  # noqa: ARG001
    return {"problem": problems.described(what.code)}


ROUTES: tuple[Route, ...] = (
    Route("GET", "health", Nothing, Operations.health, gives=estate.Health),
    Route("GET", "status", Nothing, Operations.status, gives=estate.Status),
    Route("GET", "activity", Since, Operations.show_activity, gives=estate.ActivityShown),
    Route("POST", "doctor", Nothing, Operations.doctor, long=True, gives=estate.Checks),
    Route("POST", "reload", Nothing, Operations.reload, gives=estate.Reloaded),
    Route("GET", "policy", Nothing, Operations.show_policy, gives=law.PolicyInForce),
    Route("POST", "policy/check", Nothing, lambda on, what, by: on.judging.check(what, by.id), gives=law.CheckedPolicy),
    Route(
        "POST", "policy/explain", ExplainCall, lambda on, what, by: on.judging.explain(what, by.id), gives=law.Explained
    ),
    Route(
        "GET", "policy/matrix", TabulatePolicy, lambda on, what, by: on.judging.tabulate(what, by.id), gives=law.Matrix
    ),
    Route(
        "POST", "policy/prove", ProveClaims, lambda on, what, by: on.judging.prove(what, by.id), gives=law.ClaimsJudged
    ),
    Route(
        "GET",
        "providers",
        Page,
        lambda on, what, by: on.knowing.list_providers(what, by.id),
        pages=("providers", "name"),
        gives=law.Providers,
    ),
    Route(
        "GET", "facts/{operator}", ByOperator, lambda on, what, by: on.knowing.show_facts(what, by.id), gives=law.Facts
    ),
    Route(
        "GET",
        "services",
        Page,
        lambda on, what, by: on.answering.list_services(what, by.id),
        pages=("services", "name"),
        gives=law.Services,
    ),
    Route(
        "GET",
        "services/{name}",
        ByName,
        lambda on, what, by: on.answering.show_service(what, by.id),
        gives=law.OneService,
    ),
    Route("GET", "egress", Nothing, Operations.list_hosts, gives=estate.Hosts),
    Route("POST", "egress/check", Nothing, Operations.check_egress, gives=estate.EgressChecks),
    Route(
        "GET",
        "keys",
        Page,
        lambda on, what, by: on.keyring.list_keys(what, by.id),
        pages=("keys", "id"),
        gives=estate.Keys,
    ),
    Route("GET", "keys/{id}", ById, _show_key, gives=estate.OneKey),
    Route("POST", "keys", CreateKey, lambda on, what, by: on.keyring.create_key(what, by.id), gives=estate.MadeKey),
    Route(
        "POST",
        "keys/{id}/revoke",
        ById,
        lambda on, what, by: on.keyring.revoke_key(what, by.id),
        guard=_show_key,
        gives=estate.OneKey,
    ),
    Route(
        "GET",
        "operators",
        Page,
        lambda on, what, by: on.keyring.list_operators(what, by.id),
        pages=("operators", "id"),
        gives=estate.Operators,
    ),
    Route("GET", "operators/{id}", ById, _show_operator, gives=estate.OneOperator),
    Route(
        "POST",
        "operators",
        CreateOperator,
        lambda on, what, by: on.keyring.create_operator(what, by.id),
        gives=estate.MadeOperator,
    ),
    Route(
        "POST",
        "operators/{id}/revoke",
        ById,
        lambda on, what, by: on.keyring.revoke_operator(what, by.id),
        guard=_show_operator,
        gives=estate.OneOperator,
    ),
    Route(
        "GET",
        "directives",
        ListDirectives,
        lambda on, what, by: on.directing.list_directives(what, by.id),
        pages=("directives", "id"),
        gives=orders.Directives,
    ),
    Route("GET", "directives/{id}", ById, _show_directive, gives=orders.OneDirective),
    Route(
        "POST",
        "directives",
        IssueDirective,
        lambda on, what, by: on.directing.issue(what, by.id),
        guard=_preview_directive,
        gives=orders.IssuedDirective,
    ),
    Route("POST", "directives/preview", IssueDirective, _preview_directive, gives=orders.IssuedDirective),
    Route(
        "POST",
        "directives/{id}/confirm",
        SignDirective,
        lambda on, what, by: on.directing.confirm(what, by.id),
        guard=_show_directive,
        gives=orders.OneDirective,
    ),
    Route(
        "POST",
        "directives/{id}/lift",
        ById,
        lambda on, what, by: on.directing.lift(what, by.id),
        guard=_show_directive,
        gives=orders.OneDirective,
    ),
    Route(
        "GET",
        "targets",
        Page,
        lambda on, what, by: on.deciding.list_targets(what, by.id),
        pages=("targets", "target"),
        gives=orders.Targets,
    ),
    Route("GET", "targets/{name}", ByName, _show_target, gives=orders.OneTarget),
    Route(
        "POST",
        "targets/{name}/withdraw",
        WithdrawTarget,
        lambda on, what, by: on.deciding.withdraw(what, by.id),
        guard=_show_target,
        gives=orders.DecidedTarget,
    ),
    Route(
        "POST",
        "targets/{name}/restore",
        RestoreTarget,
        lambda on, what, by: on.deciding.restore(what, by.id),
        guard=_show_target,
        gives=orders.DecidedTarget,
    ),
    Route(
        "GET",
        "models",
        ListModels,
        lambda on, what, by: on.modelling.list_models(what, by.id),
        pages=("models", "name"),
        gives=vault.Models,
    ),
    Route(
        "POST",
        "models",
        ImportModel,
        lambda on, what, by: on.custody.import_model(what, by.id, by.told("importing"), on.permit_for(by)),
        long=True,
        gives=vault.ImportedModel,
    ),
    Route("GET", "models/{name}", ByName, _show_model, gives=vault.OneModel),
    Route(
        "GET",
        "models/{name}/tunings",
        ByName,
        lambda on, what, by: on.modelling.list_tunings(what, by.id),
        gives=vault.Tunings,
    ),
    Route(
        "POST",
        "models/{name}/verify",
        ByName,
        lambda on, what, by: on.custody.verify_model(what, by.id, by.told(f"verifying {what.name}")),
        long=True,
        gives=vault.ModelAlone,
    ),
    Route(
        "GET",
        "models/{name}/custody",
        ByName,
        lambda on, what, by: on.custody.show(what, by.id),
        gives=vault.OneCustody,
    ),
    Route(
        "POST",
        "models/{name}/approve",
        ApproveModel,
        lambda on, what, by: on.custody.approve(what, by.id),
        guard=_show_model,
        gives=vault.OneCustody,
    ),
    Route(
        "POST",
        "models/{name}/sign",
        SignModel,
        lambda on, what, by: on.custody.sign(what, by.id, by.told(f"verifying {what.name}")),
        long=True,
        gives=vault.OneCustody,
    ),
    Route(
        "POST",
        "models/{name}/tune",
        TuneModel,
        lambda on, what, by: on.tuning.tune(what, by.id, by.progress),
        long=True,
        gives=vault.Tuned,
    ),
    Route(
        "POST",
        "models/{name}/remove",
        ByName,
        lambda on, what, by: on.custody.remove(what, by.id),
        guard=_show_model,
        gives=vault.ModelAlone,
    ),
    Route(
        "POST",
        "bundles",
        ExportBundle,
        lambda on, what, by: on.bundling.export(what, by.id, by.told("exporting"), on.permit_for(by)),
        long=True,
        gives=vault.WrittenBundle,
    ),
    Route(
        "POST",
        "bundles/import",
        ImportBundle,
        lambda on, what, by: on.bundling.take_in(what, by.id, by.told("importing")),
        long=True,
        gives=vault.TakenBundle,
    ),
    Route(
        "GET",
        "engines",
        Page,
        lambda on, what, by: on.engineering.list_engines(what, by.id),
        pages=("engines", "digest"),
        gives=vault.Engines,
    ),
    Route(
        "POST",
        "engines",
        BuildEngine,
        lambda on, what, by: on.engineering.build(what, by.id, by.progress, on.permit_for(by)),
        long=True,
        gives=vault.OneEngine,
    ),
    Route(
        "POST",
        "engines/{digest}/remove",
        ByDigest,
        lambda on, what, by: on.engineering.remove(what, by.id),
        gives=vault.OneEngine,
    ),
    Route("POST", "drills", RunDrill, Operations.run_drill, long=True, gives=orders.OneDrill),
    Route(
        "GET",
        "drills",
        Page,
        lambda on, what, by: on.rehearsed.list_drills(what, by.id),
        pages=("drills", "id"),
        gives=orders.Drills,
    ),
    Route(
        "GET",
        "drills/compare",
        CompareDrills,
        lambda on, what, by: on.rehearsed.compare(what, by.id),
        gives=orders.Comparison,
    ),
    Route("GET", "drills/{id}", ById, lambda on, what, by: on.rehearsed.show_drill(what, by.id), gives=orders.OneDrill),
    Route(
        "GET",
        "scenarios",
        Page,
        lambda on, what, by: on.rehearsed.list_scenarios(what, by.id),
        pages=("scenarios", "name"),
        gives=orders.Scenarios,
    ),
    Route(
        "POST",
        "services/{service}/qualify",
        QualifyTarget,
        Operations.qualify_targets,
        long=True,
        gives=orders.Qualifications,
    ),
    Route(
        "POST",
        "talk",
        Talk,
        lambda on, what, by: on.talking.talk(what, by.id, by.progress),
        long=True,
        gives=estate.Talked,
    ),
    Route("GET", "ledger", Nothing, Operations.ledger_status, gives=record.LedgerAnswer),
    Route(
        "GET", "ledger/entries", SearchLedger, lambda on, what, by: on.reading.search(what, by.id), gives=record.Entries
    ),
    Route(
        "GET",
        "ledger/entries/{index}",
        ByIndex,
        lambda on, what, by: on.reading.show(what, by.id),
        gives=record.OneEntry,
    ),
    Route("GET", "ledger/entries/{index}/receipt", TakeReceipt, lambda on, what, by: on.reading.receipt(what, by.id)),
    Route("GET", "ledger/files/{path...}", ByPath, lambda on, what, by: on.reading.file(what, by.id)),
    Route("GET", "flows", Period, lambda on, what, by: on.reading.flows(what, by.id), gives=record.Flows),
    Route("GET", "usage", Period, lambda on, what, by: on.reading.usage(what, by.id), gives=record.Usage),
    Route(
        "POST",
        "ledger/verify",
        Nothing,
        lambda on, what, by: on.reading.verify(what, by.id, by.progress),
        long=True,
        gives=record.VerifiedLedger,
    ),
    Route(
        "POST",
        "ledger/fsck",
        Nothing,
        lambda on, what, by: on.reading.fsck(what, by.id, by.progress),
        long=True,
        gives=record.LookedThrough,
    ),
    Route("POST", "ledger/publish", Nothing, Operations.publish_ledger, gives=record.Published),
    Route("POST", "backups", Nothing, Operations.begin_backup, gives=record.Published),
    Route(
        "POST", "evidence/packs", SealPack, lambda on, what, by: on.packing.seal(what, by.id), gives=estate.SealedPack
    ),
    Route(
        "GET",
        "witnesses",
        Nothing,
        lambda on, what, by: on.witnessing.list_witnesses(what, by.id),
        gives=record.Witnesses,
    ),
    Route(
        "GET",
        "witnesses/policy",
        Nothing,
        lambda on, what, by: on.witnessing.show_policy(what, by.id),
        gives=record.TrustPolicy,
    ),
    Route("GET", "witnesses/alarms/{id}", ById, _show_alarm, gives=record.OneAlarm),
    Route(
        "POST",
        "witnesses/alarms/{id}/clear",
        ClearAlarm,
        lambda on, what, by: on.witnessing.clear(what, by.id),
        guard=_show_alarm,
        gives=record.OneAlarm,
    ),
    Route("POST", "ledger/prune", PruneLedger, lambda on, what, by: on.pruning.prune(what, by.id), gives=record.Pruned),
    Route(
        "POST", "ledger/forget", Forget, lambda on, what, by: on.forgetting.forget(what, by.id), gives=record.Forgotten
    ),
    Route("GET", "problems", Nothing, _list_problems, gives=common.Problems),
    Route("GET", "problems/{code}", ByCode, _show_problem, gives=common.OneProblem),
    Route("GET", "openapi.json", Nothing, _openapi, gives=dict[str, object]),
)
