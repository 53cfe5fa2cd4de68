# SPDX-License-Identifier: Apache-2.0
"""What this host's kernel gives for engines' jails, asked without making one."""

import ctypes
import os
import platform
from pathlib import Path

_LANDLOCK_CREATE_RULESET = 444  # the same number on every architecture
_LANDLOCK_CREATE_RULESET_VERSION = 1


def landlock_abi() -> int:
    """The version of Landlock that the kernel has in force; 0 for none."""
    if platform.system() != "Linux":
        return 0
    libc = ctypes.CDLL(None, use_errno=True)
    abi = libc.syscall(_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), _LANDLOCK_CREATE_RULESET_VERSION)
    return max(0, int(abi))


def has_seccomp(proc: Path = Path("/proc")) -> bool:
    """Whether the kernel takes seccomp filters."""
    return "errno" in _read(proc / "sys/kernel/seccomp/actions_avail").split()


def refuses_user_namespaces(proc: Path = Path("/proc")) -> str:
    """Why an ordinary user can have no namespace here; empty if the kernel's settings are not against it."""
    if os.geteuid() == 0:
        return ""
    if _read(proc / "sys/user/max_user_namespaces") in ("", "0"):
        return "user.max_user_namespaces is 0"
    if _read(proc / "sys/kernel/unprivileged_userns_clone") == "0":
        return "kernel.unprivileged_userns_clone is 0"
    if _read(proc / "sys/kernel/apparmor_restrict_unprivileged_userns") == "1":
        return "kernel.apparmor_restrict_unprivileged_userns is 1"
    return ""


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
