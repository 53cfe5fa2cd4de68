# SPDX-License-Identifier: Apache-2.0
"""Models: what the vault has, who answers for it, what came of it; taking one in, tuning one, letting one run."""

from dataclasses import dataclass
from urllib.parse import quote

from freehold.console.interface import Found, Moved, Page, Shown, Visit
from freehold.console.reading.models import Models, Whole
from freehold.errors import FreeholdError

FORMATS = ("q8_0", "q6_k", "q5_k_m", "q4_k_m", "q4_0", "q4_1", "q5_0", "q5_1", "q4_k_s", "q5_k_s", "iq4_nl", "iq4_xs")


@dataclass(frozen=True, slots=True, kw_only=True)
class OneModel:
    """A model's page. ``refused`` is why it was not approved."""

    found: Found[Whole]
    path: str  # of the model in the admin API
    formats: tuple[str, ...] = FORMATS
    refused: FreeholdError | None = None


async def _list(visit: Visit) -> Shown:
    fields = {"full": "true", "cursor": visit.asked("cursor")} if visit.asked("cursor") else {"full": "true"}
    found = await visit.look(Models, "models", fields)
    return Shown(template="models.html", title="Models", view=found, script="models.js")


async def _open(visit: Visit, refused: FreeholdError | None = None) -> Shown:
    path = _path(visit)
    found = await visit.look(Whole, path)
    view = OneModel(found=found, path=path, refused=refused)
    gone = found.problem is not None and found.problem.code in ("not_found", "vault_refused")
    return Shown(
        template="model.html", title=visit.names["name"], view=view, script="models.js", status=404 if gone else 200
    )


async def _approve(visit: Visit) -> Shown | Moved:
    """What was shown is what is approved: the manifest's digest and the etag say which that was."""
    asked = {"manifest": visit.said("manifest"), **({"reason": reason} if (reason := visit.said("reason")) else {})}
    try:
        await visit.ask("POST", f"{_path(visit)}/approve", asked, if_match=visit.said("etag"))
    except FreeholdError as refused:
        return await _open(visit, refused)
    return Moved(to=f"{visit.path}#custody")


def _path(visit: Visit) -> str:
    return f"models/{quote(visit.names['name'], safe='')}"


PAGES = (
    Page(path="models", show=_list),
    Page(path="models/{name}", show=_open, act=_approve, within="models"),
)
