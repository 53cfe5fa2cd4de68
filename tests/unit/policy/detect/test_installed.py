# SPDX-License-Identifier: Apache-2.0
"""A detector that is named and not installed stops the start, and one that is not named is not loaded."""

import subprocess
import sys

import pytest

from freehold.errors import SettingsError
from freehold.policy.detect import installed, require_installed


def test_a_detector_whose_packages_are_here_is_as_good_as_none() -> None:
    require_installed("identifiers")
    require_installed("")


def test_one_whose_packages_are_not_here_is_refused_with_the_line_that_installs_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(installed, "_MODULES", ("phonenumbers", "no_such_package"))
    with pytest.raises(SettingsError, match="lacks here: no_such_package") as refused:
        require_installed("identifiers")
    assert "requirements/detector.lock" in refused.value.advice
    require_installed("")


def test_neither_a_gateway_nor_the_control_process_loads_what_reads_texts() -> None:
    program = """
import sys
import freehold.bootstrap.gateway, freehold.bootstrap.control
from freehold.policy.detect import require_installed
require_installed("identifiers")
ours = {name for name in sys.modules if name.startswith("freehold.policy.detect.")}
print(sorted(name.rpartition(".")[2] for name in ours), {"phonenumbers", "stdnum"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=True)
    assert done.stdout == "['detection', 'installed', 'messages', 'reader', 'text'] set()\n"
