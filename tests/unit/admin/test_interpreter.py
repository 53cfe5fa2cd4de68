# SPDX-License-Identifier: Apache-2.0
import platform

import pytest

from freehold.admin import interpreter

# As GCC builds of CPython tell of themselves, in what counts here
PYENV = {
    "CONFIG_ARGS": "'--prefix=/home/u/.pyenv/versions/3.11.7' '--enable-shared' 'CPPFLAGS=-I/home/u/include'",
    "PY_CFLAGS": "-Wsign-compare -DNDEBUG -g -fwrapv -O3 -Wall",
    "PY_CORE_CFLAGS": "-Wsign-compare -DNDEBUG -g -fwrapv -O3 -Wall -std=c11 -fPIC -DPy_BUILD_CORE",
    "PY_CFLAGS_NODIST": "-std=c11 -Wextra -fvisibility=hidden -I./Include/internal",
    "PGO_PROF_USE_FLAG": "-fprofile-use -fprofile-correction",
}
DEBIAN = {
    "CONFIG_ARGS": "'--enable-shared' '--prefix=/usr' '--with-wheel-pkg-dir=/usr/share/python-wheels/'",
    "PY_CFLAGS": "-Wsign-compare -DNDEBUG -g -fwrapv -O2 -Wall -g -fstack-protector-strong",
    "PY_CORE_CFLAGS": "-Wsign-compare -DNDEBUG -g -fwrapv -O2 -Wall -g -fstack-protector-strong -std=c11",
    "PY_CFLAGS_NODIST": "-std=c11 -Wextra -fvisibility=hidden -I../Include/internal",
    "PGO_PROF_USE_FLAG": "",
}
CONDA = "'--prefix=/opt/work''--with-lto=full''--enable-optimizations''--disable-shared'"  # it loses the spaces


def told(**other: str) -> bool | None:
    return interpreter.is_profiled(PYENV | other)


def test_a_build_that_nobody_asked_to_optimise_is_plain() -> None:
    assert told() is False
    assert told(CONFIG_ARGS="") is False
    assert told(CONFIG_ARGS="'--enable-optimizations=no'") is False


@pytest.mark.parametrize("arguments", ["'--enable-optimizations' '--with-lto'", "'--enable-optimizations=yes'", CONDA])
def test_a_build_that_was_asked_to_optimise_is_profiled(arguments: str) -> None:
    assert told(CONFIG_ARGS=arguments) is True


@pytest.mark.parametrize("flag", ["-fprofile-use -fprofile-correction", "-fprofile-instr-use=code.profclangd"])
@pytest.mark.parametrize("where", ["PY_CFLAGS", "PY_CORE_CFLAGS", "PY_CFLAGS_NODIST"])
def test_a_build_that_used_a_profile_is_profiled_though_it_was_not_configured_so(where: str, flag: str) -> None:
    assert told(**{where: f"{PYENV[where]} {flag}"}) is True


def test_of_a_build_whose_traces_were_removed_nothing_is_said() -> None:
    assert interpreter.is_profiled(DEBIAN) is None
    assert interpreter.is_profiled(DEBIAN | {"PGO_PROF_USE_FLAG": PYENV["PGO_PROF_USE_FLAG"]}) is None
    assert interpreter.is_profiled(DEBIAN | {"CONFIG_ARGS": "'--prefix=/usr' '--enable-optimizations'"}) is True
    assert interpreter.is_profiled({}) is None


def test_the_interpreter_is_called_as_people_call_it() -> None:
    assert interpreter.name().endswith(platform.python_version())
    assert interpreter.is_profiled() in (True, False, None)
