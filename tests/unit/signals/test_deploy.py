# SPDX-License-Identifier: Apache-2.0
"""What is shipped for those who watch: the dashboard by Grafana's own models, and no metric that there is not.

Grafana itself is not run by any test. Its models are those that it publishes for programs that write dashboards.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.cog.runtime import UnknownDataquery
from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from freehold.signals.catalogue import COUNTED, ESTATE, GROWING, NOW

DEPLOY = Path(__file__).parents[3] / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana" / "freehold.json").read_text(encoding="utf-8"))
ALERTS = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text(encoding="utf-8"))
_NAME = re.compile(r"\bfreehold_[a-z_]+\b")
_LABEL = re.compile(r"(\w+)\s*(?:=~|!=|!~|=)\s*\"")


@pytest.fixture(scope="module", autouse=True)
def models_of_panels() -> None:
    register_default_plugins()


def test_grafanas_own_model_of_a_dashboard_knows_all_that_is_in_ours() -> None:
    """What it did not know it would have let go."""
    again = json.loads(JSONEncoder().encode(Dashboard.from_json(DASHBOARD)))
    assert list(lost(DASHBOARD, again)) == []


def test_every_panel_is_of_a_kind_that_grafana_has_and_asks_prometheus() -> None:
    panels = [panel for panel in Dashboard.from_json(DASHBOARD).panels or [] if isinstance(panel, Panel)]
    assert len(panels) > 20
    for panel in panels:
        assert not isinstance(panel.options, dict), panel.title
        assert panel.description, panel.title
        for query in panel.targets or []:
            assert not isinstance(query, UnknownDataquery), panel.title


def test_panels_do_not_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    "expression",
    [
        *(target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())),
        *(variable["query"]["query"] for variable in DASHBOARD["templating"]["list"] if variable["type"] == "query"),
        *(rule["expr"] for group in ALERTS["groups"] for rule in group["rules"]),
    ],
)
def test_whatever_is_asked_for_is_there(expression: str) -> None:
    known = exposed()
    names = _NAME.findall(expression)
    assert names or 'up{job="freehold"}' in expression
    for name in names:
        assert name in known, f"there is no metric {name}"
    labels = {label for name in names for label in known[name]} | {"instance", "job", "le"}
    assert set(_LABEL.findall(expression)) <= labels
    for by in re.findall(r"\bby \(([^)]*)\)", expression):
        assert {label.strip() for label in by.split(",")} <= labels


def test_every_alert_says_how_bad_it_is_and_what_to_do() -> None:
    rules = [rule for group in ALERTS["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"].keys() == {"summary", "description"}


def test_no_host_of_anybody_else_is_named() -> None:
    for path in DEPLOY.rglob("*.*"):
        hosts = re.findall(r"https?://([^/\s\"]+)", path.read_text(encoding="utf-8"))
        assert set(hosts) <= {"127.0.0.1:4318"}, path


def exposed() -> dict[str, tuple[str, ...]]:
    """Every name that a scraper sees, with its labels."""
    names: dict[str, tuple[str, ...]] = {}
    for metric in COUNTED.values():
        ends = ("_bucket", "_count", "_sum") if metric.bounds_s else ("_total",)
        names |= {f"{metric.name}{end}": metric.labels for end in ends}
    names |= {f"{metric.name}{'_total' if metric in GROWING else ''}": metric.labels for metric in ESTATE.values()}
    return names | {metric.name: metric.labels for metric in NOW.values()}


def lost(ours: Any, theirs: Any, path: str = "") -> Iterator[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name, value in ours.items():
            if name in theirs:
                yield from lost(value, theirs[name], f"{path}.{name}")
            elif value not in ([], {}, None):
                yield f"{path}.{name}"
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from lost(one, other, f"{path}[{number}]")
    elif ours != theirs:
        yield f"{path}: {ours!r} is read as {theirs!r}"
