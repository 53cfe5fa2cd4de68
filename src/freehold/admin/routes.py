# SPDX-License-Identifier: Apache-2.0
"""The admin API's table: one line per operation. docs/reference/admin-api.md tells each; a test compares them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from freehold.admin.operations import Asker, Operations
from freehold.admin.requests import (
    ApproveModel,
    BuildEngine,
    ByDigest,
    ById,
    ByName,
    ClearAlarm,
    CreateKey,
    CreateOperator,
    ExportBundle,
    Forget,
    ImportBundle,
    ImportModel,
    IssueDirective,
    Nothing,
    PruneLedger,
    QualifyTarget,
    Request,
    RunDrill,
    SignDirective,
    SignModel,
    TuneModel,
    WithdrawTarget,
)

ROOT = "/admin/v1/"
OPEN_TO_ALL = ROOT + "health"  # needs no token


@dataclass(frozen=True, slots=True)
class Route:
    """One operation over HTTP. ``{name}`` in the path is a field of the request."""

    method: str
    path: str
    request: type[Request]
    # the operation takes exactly ``request``, which a tuple of differently typed routes cannot say
    operation: Callable[[Operations, Any, Asker], Awaitable[Mapping[str, object]]]
    long: bool = False  # answers with lines of progress


ROUTES: tuple[Route, ...] = (
    Route("GET", "health", Nothing, Operations.health),
    Route("GET", "status", Nothing, Operations.status),
    Route("POST", "doctor", Nothing, Operations.doctor, long=True),
    Route("POST", "reload", Nothing, Operations.reload),
    Route("GET", "policy", Nothing, Operations.show_policy),
    Route("GET", "egress", Nothing, Operations.list_hosts),
    Route("POST", "egress/check", Nothing, Operations.check_egress),
    Route("GET", "keys", Nothing, lambda on, what, by: on.keyring.list_keys(what, by.id)),
    Route("POST", "keys", CreateKey, lambda on, what, by: on.keyring.create_key(what, by.id)),
    Route("POST", "keys/{id}/revoke", ById, lambda on, what, by: on.keyring.revoke_key(what, by.id)),
    Route("GET", "operators", Nothing, lambda on, what, by: on.keyring.list_operators(what, by.id)),
    Route("POST", "operators", CreateOperator, lambda on, what, by: on.keyring.create_operator(what, by.id)),
    Route("POST", "operators/{id}/revoke", ById, lambda on, what, by: on.keyring.revoke_operator(what, by.id)),
    Route("GET", "directives", Nothing, lambda on, what, by: on.directing.list_directives(what, by.id)),
    Route("POST", "directives", IssueDirective, lambda on, what, by: on.directing.issue(what, by.id)),
    Route("POST", "directives/{id}/confirm", SignDirective, lambda on, what, by: on.directing.confirm(what, by.id)),
    Route("POST", "directives/{id}/lift", ById, lambda on, what, by: on.directing.lift(what, by.id)),
    Route("GET", "targets", Nothing, lambda on, what, by: on.deciding.list_targets(what, by.id)),
    Route(
        "POST",
        "targets/{name}/withdraw",
        WithdrawTarget,
        lambda on, what, by: on.deciding.withdraw(what, by.id),
    ),
    Route("POST", "targets/{name}/restore", ByName, lambda on, what, by: on.deciding.restore(what, by.id)),
    Route("GET", "models", Nothing, lambda on, what, by: on.custody.list_models(what, by.id)),
    Route(
        "POST",
        "models",
        ImportModel,
        lambda on, what, by: on.custody.import_model(what, by.id, by.told("importing"), on.permit_for(by)),
        long=True,
    ),
    Route("GET", "models/{name}", ByName, lambda on, what, by: on.custody.show_model(what, by.id)),
    Route(
        "POST",
        "models/{name}/verify",
        ByName,
        lambda on, what, by: on.custody.verify_model(what, by.id, by.told(f"verifying {what.name}")),
        long=True,
    ),
    Route("GET", "models/{name}/custody", ByName, lambda on, what, by: on.custody.show(what, by.id)),
    Route("POST", "models/{name}/approve", ApproveModel, lambda on, what, by: on.custody.approve(what, by.id)),
    Route(
        "POST",
        "models/{name}/sign",
        SignModel,
        lambda on, what, by: on.custody.sign(what, by.id, by.told(f"verifying {what.name}")),
        long=True,
    ),
    Route(
        "POST",
        "models/{name}/tune",
        TuneModel,
        lambda on, what, by: on.tuning.tune(what, by.id, by.progress),
        long=True,
    ),
    Route("POST", "models/{name}/remove", ByName, lambda on, what, by: on.custody.remove(what, by.id)),
    Route(
        "POST",
        "bundles",
        ExportBundle,
        lambda on, what, by: on.bundling.export(what, by.id, by.told("exporting"), on.permit_for(by)),
        long=True,
    ),
    Route(
        "POST",
        "bundles/import",
        ImportBundle,
        lambda on, what, by: on.bundling.take_in(what, by.id, by.told("importing")),
        long=True,
    ),
    Route("GET", "engines", Nothing, lambda on, what, by: on.engineering.list_engines(what, by.id)),
    Route(
        "POST",
        "engines",
        BuildEngine,
        lambda on, what, by: on.engineering.build(what, by.id, by.progress, on.permit_for(by)),
        long=True,
    ),
    Route("POST", "engines/{digest}/remove", ByDigest, lambda on, what, by: on.engineering.remove(what, by.id)),
    Route("POST", "drills", RunDrill, Operations.run_drill, long=True),
    Route("GET", "drills", Nothing, Operations.list_drills),
    Route("GET", "drills/{id}", ById, Operations.show_drill),
    Route("POST", "services/{service}/qualify", QualifyTarget, Operations.qualify_targets, long=True),
    Route("GET", "ledger", Nothing, Operations.ledger_status),
    Route("POST", "ledger/publish", Nothing, Operations.publish_ledger),
    Route("POST", "backups", Nothing, Operations.begin_backup),
    Route("GET", "witnesses", Nothing, lambda on, what, by: on.witnessing.list_witnesses(what, by.id)),
    Route("POST", "witnesses/alarms/{id}/clear", ClearAlarm, lambda on, what, by: on.witnessing.clear(what, by.id)),
    Route("POST", "ledger/prune", PruneLedger, lambda on, what, by: on.pruning.prune(what, by.id)),
    Route("POST", "ledger/forget", Forget, lambda on, what, by: on.forgetting.forget(what, by.id)),
)
