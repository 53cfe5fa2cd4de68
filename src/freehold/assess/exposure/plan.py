# SPDX-License-Identifier: Apache-2.0
"""A freehold.toml that would carry the applications that were found: a service for each, under the names they ask for.

Each is answered by an engine of the estate's own. The providers that they ask today are there as guests, as comments:
who wants one takes the '#' away, and lets the rules permit it.
"""

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from freehold.assess.exposure.assessment import Assessment, Dependency
from freehold.assess.exposure.knowledge import Kind
from freehold.policy.facts import Register

_ALIAS: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}")
_VECTORS: Final = re.compile(r"embed|rerank|gecko|voyage-", re.IGNORECASE)
_NEITHER: Final = re.compile(
    r"whisper|dall-e|tts-|imagen|veo-|sora|image|moderation|realtime|speech|eleven_|wanx|stability|arn:", re.IGNORECASE
)
_SHARED: Final = "shared"
_HEAD: Final = """\
# What 'freehold assess' found, as services of an estate. Put it into an empty folder as freehold.toml, and start:
#     freehold up --estate FOLDER --detach
# Then give each application the base URL that 'up' prints, and a key of 'freehold key create'.
# Every setting is explained in docs/reference/settings.md.

[estate]
origin = "{origin}"  # the name of this estate's ledger, in every receipt; never change it

[listen]
port = 8080
admin_port = 8081

[policy]
set = "owned-only"  # no call leaves; who adds a guest chooses another, or writes a rule: docs/tasks/choose-a-policy.md
"""
_ENGINES: Final = """
[target.local]
engine = "llamacpp"
model = "smollm2-135m-instruct"  # small, and there at once; docs/tasks/own-model.md brings another
"""
_VECTOR_ENGINE: Final = """
[target.embeddings]
engine = "llamacpp"
model = "all-minilm-l6-v2"  # vectors that another model made are of no use with it: make them anew
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Service:
    name: str
    applications: tuple[str, ...]
    aliases: tuple[str, ...]
    target: str


def write_plan(assessment: Assessment, register: Register) -> str:
    """The text of the file. It has a service even where no application names a model."""
    services = list(_services(assessment))
    parts = [_HEAD.format(origin=f"freehold.local/{secrets.token_hex(6)}")]
    parts += [_service_text(service, assessment) for service in services]
    if any(service.target == "local" for service in services):
        parts.append(_ENGINES)
    if any(service.target == "embeddings" for service in services):
        parts.append(_VECTOR_ENGINE)
    parts += [_guest(one, assessment, register) for one in assessment.dependencies]
    parts += _left_over(assessment)
    return "".join(parts)


def _services(assessment: Assessment) -> Iterator[_Service]:
    """One for each application, one for what several share, and one for vectors."""
    users: dict[str, set[str]] = {}
    for one in assessment.exposures:
        if one.found.model and _ALIAS.fullmatch(one.found.model) and not _NEITHER.search(one.found.model):
            users.setdefault(one.found.model, set()).add(one.application)
    chat = {model: apps for model, apps in users.items() if not _VECTORS.search(model)}
    taken: set[str] = {"embeddings"}
    for applications, aliases in sorted(_grouped(chat, assessment).items()):
        shared = len(applications) > 1
        name = _free(_SHARED if shared else _slug(applications[0]), taken)
        yield _Service(name=name, applications=applications, aliases=aliases, target="local")
    vectors = {model: apps for model, apps in users.items() if _VECTORS.search(model)}
    if vectors:
        applications = tuple(sorted({name for apps in vectors.values() for name in apps}))
        yield _Service(
            name="embeddings", applications=applications, aliases=tuple(sorted(vectors)), target="embeddings"
        )


def _grouped(users: Mapping[str, set[str]], assessment: Assessment) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Names of models by who asks for them: a name can lead to one service only."""
    kinds = (Kind.CODE, Kind.ENDPOINT, Kind.GATEWAY, Kind.ENV, Kind.PACKAGE, Kind.MODEL)
    asking = {one.application for one in assessment.exposures if one.found.kind in kinds}
    groups: dict[tuple[str, ...], list[str]] = {(name,): [] for name in asking}
    shared = sorted({name for apps in users.values() if len(apps) > 1 for name in apps})
    for model, applications in users.items():
        key = tuple(sorted(applications)) if len(applications) == 1 else tuple(shared)
        groups.setdefault(key, []).append(model)
    if not groups:
        groups[("whatever is assessed",)] = []
    return {key: tuple(sorted(models)) for key, models in groups.items()}


def _service_text(service: _Service, assessment: Assessment) -> str:
    told = ", ".join(_comment(name) for name in service.applications[:8])
    more = f" and {len(service.applications) - 8} more" if len(service.applications) > 8 else ""
    asks = sorted(
        {
            one.found.provider
            for one in assessment.exposures
            if one.application in service.applications and one.found.kind not in (Kind.HUB_DOWNLOAD, Kind.TELEMETRY)
        }
    )
    lines = [
        "",
        f"# For {told}{more}; they ask {', '.join(asks) or 'nobody'} today.",
        f"[service.{_quoted(service.name)}]",
        'data_class = "internal"  # public < internal < personal < restricted: say what its calls carry',
        f'targets = ["{service.target}"]',
        f"aliases = {msgspec.json.encode(list(service.aliases)).decode()}",
        "",
    ]
    return "\n".join(lines)


def _guest(dependency: Dependency, assessment: Assessment, register: Register) -> str:
    """A provider that could stay as a guest, where its API is one that Freehold speaks."""
    known = register.providers.get(dependency.provider)
    if known is None or not known.dialects:
        return ""
    models = sorted({one.found.model for one in assessment.of(dependency.provider) if one.found.model})
    states = ", ".join(dependency.states)
    lines = [
        "",
        f"# A guest, if it is to stay: {_comment(known.name)}; states that can compel it: {states}.",
        f"#[provider.{dependency.provider}]",
        f'#key = "file:keys/{dependency.provider}.age"  # freehold provider key {dependency.provider}',
        *(() if known.base_url else ('#base_url = "https://..."  # your own host there',)),
        *(
            line
            for model in models[:8]
            if _ALIAS.fullmatch(model)
            for line in (
                f"#[target.{_quoted(_slug(model))}]",
                f'#provider = "{dependency.provider}"',
                f'#model = "{model}"',
            )
        ),
        "",
    ]
    return "\n".join(lines)


def _left_over(assessment: Assessment) -> Iterator[str]:
    """What no service carries."""
    left = sorted({one.found.provider for one in assessment.exposures if one.move.effort == "code"})
    if left:
        yield f"\n# Not carried by any of this, because there is code to change first: {', '.join(left)}.\n"


def _slug(name: str) -> str:
    slug = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._")
    return slug[:48] or "application"


def _free(name: str, taken: set[str]) -> str:
    number, free = 2, name
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    taken.add(free)
    return free


def _quoted(name: str) -> str:
    return f'"{name}"' if "." in name else name


def _comment(text: str) -> str:
    return "".join(character for character in text if character.isprintable())
