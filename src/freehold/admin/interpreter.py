# SPDX-License-Identifier: Apache-2.0
"""Which Python runs this, and whether its build had seen Python at work: a call takes 8 % less time then."""

import platform
import re
import sysconfig
from collections.abc import Mapping

_ASKED_FOR = re.compile("--enable-optimizations(?!=no)")
_DONE = re.compile("-fprofile(-instr)?-use")  # GCC's and Clang's; also after a bare 'make profile-opt'
_A_DISTRIBUTIONS = "'--prefix=/usr'"
_FLAGS = ("PY_CFLAGS", "PY_CORE_CFLAGS", "PY_CFLAGS_NODIST")


def name() -> str:
    """As people call it: CPython 3.11.7."""
    return f"{platform.python_implementation()} {platform.python_version()}"


def is_profiled(build: Mapping[str, object] | None = None) -> bool | None:
    """Whether it was built with profile-guided optimisation; None where what it says of its build does not tell.

    Debian builds so and removes every trace of it, so that silence means no only where nobody has tidied up.
    """
    said = sysconfig.get_config_vars() if build is None else build
    arguments = str(said.get("CONFIG_ARGS", ""))
    if _ASKED_FOR.search(arguments) or any(_DONE.search(str(said.get(flags, ""))) for flags in _FLAGS):
        return True
    is_tidied = not said.get("PGO_PROF_USE_FLAG") or _A_DISTRIBUTIONS in arguments
    return None if is_tidied else False
