# SPDX-License-Identifier: Apache-2.0
"""Whether a provider answered with the model that it was asked for."""

import re
from fnmatch import fnmatchcase

from freehold.contract.backend import Target

_LATEST = "-latest"
_VERSION = re.compile(r"[-@:](?:\d[\d-]*|v\d[\d.]*|latest)")  # what vendors put behind a name for one version of it


def another_model(target: Target, answered: str) -> str:
    """What the provider called the model that answered; empty if that is the target's model, or it did not say.

    A dated version of a name is that name's: ``m-2026-05-01`` of ``m`` and of ``m-latest``. So is what ``answers_as``
    lists, where ``*`` stands for anything.
    """
    asked = target.model.name.removesuffix(_LATEST)
    if not answered or answered in (asked, target.model.name):
        return ""
    if answered.startswith(asked) and _VERSION.fullmatch(answered.removeprefix(asked)):
        return ""
    return "" if any(fnmatchcase(answered, name) for name in target.answers_as) else answered
