# SPDX-License-Identifier: Apache-2.0
import json
import os
import select
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.source_builder import FILES, INSIDE, archive, sha256

from freehold.contract.grant import Allowance, Errand
from freehold.engine.build import Program, digest_of, server_of
from freehold.engine.building import Builder, Builds, Kept, Order, builder
from freehold.engine.building.builds import RECORD, digest_of_build
from freehold.errors import EstateError, OperatorError, VaultError, VerificationFailed
from freehold.vault.fetching import PipFetch, SourceArchive

PHONY = """
project(tiny C)
foreach(name llama-server llama-quantize llama-perplexity)
  add_custom_target(${name})
endforeach()
"""
AT = datetime(2026, 11, 22, 14, 38, 5, tzinfo=UTC)


def permit_nothing(errand: Errand) -> Allowance:
    raise AssertionError(f"nobody was to be contacted, and {errand} would have been")


def silent(doing: str) -> None:
    """Nobody is told."""


def order(path: Path) -> Order:
    return Order(archive=path, sha256=sha256(path), jobs=1)


def build(engines: Path, source: Path, at: datetime = AT) -> Kept:
    building = Builder(engines, now=lambda: at)
    with building.make(order(source), silent, permit_nothing) as made:
        return building.keep(made)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The engines of an estate that has built one. Only read."""
    folder = tmp_path_factory.mktemp("built")
    build(folder / "engines", archive(folder / "tiny-1.0.tar.gz"))
    return folder / "engines"


@pytest.fixture
def engines(built: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    (kept,) = Builds(built).list()
    target = tmp_path / "engines" / "llamacpp" / kept.digest
    target.mkdir(parents=True)
    for file in kept.folder.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
        (target / file.name).chmod(file.stat().st_mode | 0o200)
    return tmp_path / "engines"


def test_what_was_built_is_kept_under_the_digest_of_its_record(built: Path) -> None:
    (kept,) = Builds(built).list()
    assert kept.build is not None
    assert (kept.problem, kept.digest) == ("", digest_of_build(kept.build))
    assert kept.build.version == "1.0 (tiny)"
    assert kept.build.source == "tiny-1.0.tar.gz"
    assert kept.build.built_at == "2026-11-22T14:38:05Z"
    assert "GGML_NATIVE=ON" in kept.build.options
    assert {program.name: program.digest for program in kept.build.programs} == {
        name: digest_of(kept.folder / name) for name in ("llama-server", "llama-quantize", "llama-perplexity")
    }
    assert [oct(file.stat().st_mode)[-3:] for file in sorted(kept.folder.iterdir())] == ["444", "555", "555", "555"]


def test_nothing_but_the_build_and_its_log_is_left(built: Path) -> None:
    (kept,) = Builds(built).list()
    assert [path.name for path in (built / "llamacpp").iterdir()] == [kept.digest]
    assert sorted(path.name for path in built.iterdir()) == ["build.log", "llamacpp"]


def test_it_comes_before_the_path_and_after_what_a_target_names(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "llama-server"
    other.write_text("#!/bin/sh\n")
    other.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    (kept,) = Builds(built).list()
    assert server_of("", built) == Program(server=server_of("", built)).file == kept.folder / "llama-server"
    assert server_of(str(other), built) == other
    assert server_of("", tmp_path / "none") == other


def test_a_build_that_was_changed_is_not_run_nor_another_in_its_place(engines: Path) -> None:
    (kept,) = Builds(engines).list()
    with (kept.folder / "llama-server").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\xff")
    with pytest.raises(EstateError, match="is not what was built"):
        server_of("", engines)


def test_a_record_that_was_changed_stops_it_too(engines: Path) -> None:
    (kept,) = Builds(engines).list()
    text = (kept.folder / RECORD).read_text().replace("tiny-1.0.tar.gz", "tiny-1.1.tar.gz")
    (kept.folder / RECORD).write_text(text)
    with pytest.raises(EstateError, match="was changed since it was built"):
        server_of("", engines)
    (listed,) = Builds(engines).list()
    assert "was changed" in listed.problem


def test_a_build_of_a_processor_that_can_more_is_passed_over(engines: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    (kept,) = Builds(engines).list()
    record = json.loads((kept.folder / RECORD).read_text())
    record["cpu_features"] = sorted([*record["cpu_features"], "avx9000"])
    content = json.dumps(record, sort_keys=True, separators=(",", ":")) + "\n"
    (kept.folder / RECORD).write_text(content)
    kept.folder.rename(kept.folder.with_name(sha256(kept.folder / RECORD)))
    (listed,) = Builds(engines).list()
    assert listed.problem == "built on a processor that has avx9000, and this one has not"
    assert server_of("", engines) is None


def test_the_newest_runs(engines: Path, tmp_path: Path) -> None:
    newer = build(engines, archive(tmp_path / "b.tar.gz"), datetime(2026, 11, 23, tzinfo=UTC))
    assert Builds(engines).list()[0].digest == newer.digest
    assert server_of("", engines) == newer.folder / "llama-server"
    Builds(engines).remove(newer.digest[:10])
    assert len(Builds(engines).list()) == 1
    with pytest.raises(EstateError, match="no engine of this estate"):
        Builds(engines).remove(newer.digest)


def test_another_source_than_the_one_that_was_named_is_not_built(tmp_path: Path) -> None:
    source = archive(tmp_path / "tiny.tar.gz")
    with (
        pytest.raises(VerificationFailed, match=f"has sha256 {sha256(source)}, and must have 832db069"),
        Builder(tmp_path / "engines").make(Order(archive=source), silent, permit_nothing),
    ):
        pass
    assert list((tmp_path / "engines" / "llamacpp").iterdir()) == []


def test_what_interrupts_a_build_ends_it_and_leaves_nothing(tmp_path: Path) -> None:
    slow = dict(FILES)
    slow[f"{INSIDE}/slow.sh"] = f"echo $$ > {tmp_path}/pid; exec sleep 1000\n"
    slow[f"{INSIDE}/CMakeLists.txt"] += (
        "add_custom_target(slow COMMAND sh ${CMAKE_SOURCE_DIR}/slow.sh)\nadd_dependencies(llama-server slow)\n"
    )
    source = archive(tmp_path / "slow.tar.gz", slow)

    def tell(doing: str) -> None:
        if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text():
            raise KeyboardInterrupt

    with (
        pytest.raises(KeyboardInterrupt),
        Builder(tmp_path / "engines").make(order(source), tell, permit_nothing),
    ):
        pass
    assert list((tmp_path / "engines" / "llamacpp").iterdir()) == []
    gone_soon(int((tmp_path / "pid").read_text()))


def gone_soon(pid: int) -> None:
    """A killed process has ended once its descriptor can be read, whoever its parent is and whether that knows."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([descriptor], [], [], 60)[0], f"process {pid} goes on"
    finally:
        os.close(descriptor)


def test_what_a_dead_build_left_goes_with_the_next(tmp_path: Path) -> None:
    left = tmp_path / "engines" / "llamacpp" / ".build-dead"
    left.mkdir(parents=True)
    with Builds(tmp_path / "engines").scratch() as alive, Builds(tmp_path / "engines").scratch():
        assert alive.exists()
        assert not left.exists()


@pytest.mark.parametrize(
    ("lists", "said"),
    [
        ("message(FATAL_ERROR no)", "could not be built: the tools ended with 1"),
        ("project(tiny C)\nadd_custom_target(llama-server)", "could not be built: the tools ended with"),
        (PHONY, "the source builds no llama-server, llama-quantize, llama-perplexity"),
    ],
)
def test_a_source_that_does_not_build_is_said_to_with_its_log(lists: str, said: str, tmp_path: Path) -> None:
    text = f"cmake_minimum_required(VERSION 3.14)\n{lists}\n"
    source = archive(tmp_path / "bad.tar.gz", {f"{INSIDE}/CMakeLists.txt": text})
    with pytest.raises(EstateError, match=said) as refused:
        build(tmp_path / "engines", source)
    assert str(tmp_path / "engines" / "build.log") in refused.value.message


def test_the_build_reaches_no_network(tmp_path: Path) -> None:
    text = (
        "cmake_minimum_required(VERSION 3.14)\nproject(tiny C)\n"
        "file(DOWNLOAD http://127.0.0.1:9/x ${CMAKE_BINARY_DIR}/x STATUS status TIMEOUT 5)\n"
        "file(READ /proc/net/dev devices)\nmessage(FATAL_ERROR ${devices})\n"
    )
    source = archive(tmp_path / "curious.tar.gz", {f"{INSIDE}/CMakeLists.txt": text})
    with pytest.raises(EstateError):
        build(tmp_path / "engines", source)
    said = (tmp_path / "engines" / "build.log").read_text()
    assert "lo:" in said
    assert "eth" not in said


def test_a_program_that_does_not_run_here_is_not_kept(tmp_path: Path) -> None:
    files = dict(FILES)
    files[f"{INSIDE}/main.c"] = "int main(void) { __builtin_trap(); }\n"
    with pytest.raises(EstateError, match="was built, and does not run on this host"):
        build(tmp_path / "engines", archive(tmp_path / "trap.tar.gz", files))


def test_a_host_without_tools_is_told_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(EstateError, match="lacks cmake, a C compiler, a C\\+\\+ compiler, make or ninja") as refused:
        build(tmp_path / "engines", archive(tmp_path / "tiny.tar.gz"))
    assert "apt install build-essential cmake" in refused.value.advice


def test_a_disk_with_too_little_space_is_told_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builder, "_NEEDED_BYTES", 2**62)
    with pytest.raises(EstateError, match="needs a gigabyte"):
        build(tmp_path / "engines", archive(tmp_path / "tiny.tar.gz"))


def pinned(path: Path) -> SourceArchive:
    return SourceArchive(package="tiny", version="1.0", sha256=sha256(path), size_bytes=path.stat().st_size)


def from_folder(folder: Path) -> PipFetch:
    return PipFetch(arguments=("--no-index", f"--find-links={folder}"))


def fetched(folder: Path, source: Path, tell: Callable[[str], None] = silent) -> Kept:
    building = Builder(folder / "engines", fetch=from_folder(folder), pin=pinned(source))
    with building.make(Order(jobs=1), tell, permit_nothing) as made:
        return building.keep(made)


def test_the_pinned_source_is_fetched_and_none_of_its_code_is_run_for_that(tmp_path: Path) -> None:
    files = {**FILES, "tiny-1.0/setup.py": f"open({str(tmp_path / 'ran')!r}, 'w')", "tiny-1.0/PKG-INFO": "Name: tiny\n"}
    source = archive(tmp_path / "tiny-1.0.tar.gz", files)
    kept = fetched(tmp_path, source)
    assert kept.build is not None
    assert (kept.build.source, kept.build.source_digest) == ("pkg:tiny==1.0", f"sha256:{sha256(source)}")
    assert not (tmp_path / "ran").exists()


def test_a_source_that_changed_under_its_version_is_refused(tmp_path: Path) -> None:
    source = archive(tmp_path / "tiny-1.0.tar.gz")
    building = Builder(
        tmp_path / "engines",
        fetch=from_folder(tmp_path),
        pin=SourceArchive(package="tiny", version="1.0", sha256="0" * 64, size_bytes=1),
    )
    with (
        pytest.raises(VerificationFailed, match=f"has sha256 {sha256(source)}, and must have {'0' * 64}"),
        building.make(Order(jobs=1), silent, permit_nothing),
    ):
        pass


def test_without_a_network_the_way_around_it_is_said(tmp_path: Path) -> None:
    source = archive(tmp_path / "elsewhere.tar.gz")
    with pytest.raises(VaultError, match=r"could not fetch the source of pkg:tiny==1\.0") as refused:
        fetched(tmp_path, source)
    assert "'freehold engine build --source FILE.tar.gz'" in refused.value.advice


def test_every_refusal_is_one_for_an_operator() -> None:
    assert issubclass(VerificationFailed, OperatorError)
