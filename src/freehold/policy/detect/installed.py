# SPDX-License-Identifier: Apache-2.0
"""Whether the detector that the settings name can run here. Looks the packages up and imports none."""

from importlib.util import find_spec
from typing import Final

from freehold.errors import SettingsError

_MODULES: Final = ("phonenumbers", "stdnum")  # of the packages phonenumberslite and python-stdnum
_INSTALL: Final = (
    "In the environment that freehold runs in: "
    "python -m pip install --require-hashes --requirement requirements/detector.lock. "
    'Or leave [policy] detector = "".'
)


def require_installed(detector: str) -> None:
    """Raises SettingsError where a detector is named whose packages are not all here. Empty: none is named."""
    if detector and (missing := [name for name in _MODULES if find_spec(name) is None]):
        what = f"[policy] detector = {detector!r} needs freehold[detector], which lacks here: {', '.join(missing)}"
        raise SettingsError(what, hint=_INSTALL)
