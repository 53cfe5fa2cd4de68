# SPDX-License-Identifier: Apache-2.0
"""The jail of an engine that is at work, as the kernel sees it."""

from pathlib import Path

import pytest
from tests.system import processes
from tests.system.estates import Estate
from tests.system.processes import PROC

SECCOMP_FILTER = "2"
HARMLESS = ("pipe:[", "socket:[", "anon_inode:", "/dev/null", "/dev/urandom")


@pytest.fixture(scope="module")
def engine(estate: Estate) -> int:
    """The process that has the weights mapped: found by the kernel's word, not by the estate's."""
    weights = str(estate.blob())
    (pid,) = [
        pid
        for pid in processes.of_estate(estate.directory) | {int(estate.target()["pid"])}
        if any(weights in line for line in processes.maps(pid)) or weights in processes.open_files(pid)
    ]
    return pid


def test_the_engine_is_the_process_that_status_shows(estate: Estate, engine: int) -> None:
    assert estate.target()["pid"] == engine


def test_it_has_a_network_namespace_without_a_way_out(engine: int) -> None:
    ours, its = (PROC / "self" / "ns" / "net").readlink(), (PROC / str(engine) / "ns" / "net").readlink()
    assert ours != its
    devices = (PROC / str(engine) / "net" / "dev").read_text(encoding="ascii").splitlines()[2:]
    assert [line.split(":")[0].strip() for line in devices] == ["lo"]
    routes = (PROC / str(engine) / "net" / "route").read_text(encoding="ascii").splitlines()[1:]
    assert routes == []


def test_a_filter_stands_between_it_and_the_kernel_for_every_thread(engine: int) -> None:
    threads = processes.threads(engine)
    assert len(threads) > 1
    for thread in threads:
        assert (thread["Seccomp"], thread["NoNewPrivs"]) == (SECCOMP_FILTER, "1")


def test_it_has_no_capability(engine: int) -> None:
    for name in ("CapEff", "CapPrm", "CapAmb"):
        assert int(processes.status_line(engine, name), 16) == 0


def test_it_has_nothing_open_but_its_weights_and_its_folder(estate: Estate, engine: int) -> None:
    folder = estate.directory / "run"
    allowed = (str(estate.blob()), str(folder / "engine"), str(folder / "log"), *HARMLESS)
    assert [name for name in processes.open_files(engine) if not name.startswith(allowed)] == []


def test_it_maps_no_file_of_the_estate_but_its_weights(estate: Estate, engine: int) -> None:
    fields = [line.split(maxsplit=5) for line in processes.maps(engine)]
    mapped = {Path(found[5]) for found in fields if len(found) == 6}
    assert {path for path in mapped if path.is_relative_to(estate.directory)} <= {estate.blob()}


def test_its_environment_holds_no_secret(engine: int) -> None:
    environment = (PROC / str(engine) / "environ").read_bytes()
    assert b"fh_" not in environment
    assert b"KEY" not in environment.upper()


def test_status_and_doctor_say_so(estate: Estate) -> None:
    target = estate.target()
    assert target["jail"]["missing"] == []
    assert target["sealed"] is True
    assert "not fully jailed" not in estate.attempt("doctor").stdout


def test_no_other_process_of_the_estate_has_the_weights(estate: Estate, engine: int) -> None:
    for pid in processes.of_estate(estate.directory) - {engine}:
        assert str(estate.blob()) not in processes.open_files(pid)
