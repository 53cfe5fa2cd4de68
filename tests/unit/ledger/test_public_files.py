# SPDX-License-Identifier: Apache-2.0
"""What of a log is given out over HTTP, under which headers, and that nothing else ever is."""

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger_builder import write_log

from freehold.ledger.public.files import PublicFiles, Reply

BEYOND = ["journal", "low-water", "home", "minimum-index", "checkpoint.cosigned", "outcomes", "erasures", "tile.new"]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = write_log(tmp_path_factory.mktemp("log"), [b'{"n":%d}' % index for index in range(300)])
    for name in BEYOND:
        if not (directory / name).exists():
            (directory / name).write_bytes(b"secret")
    (directory.parent / "secret").write_bytes(b"secret")
    return directory


@pytest.fixture(scope="module")
def files(log: Path) -> Iterator[PublicFiles]:
    opened = PublicFiles(log, cosigned=False)
    yield opened
    opened.close()


def header(reply: Reply, name: str) -> str:
    return dict(reply.headers).get(name, "")


def test_the_checkpoint_is_text_that_is_not_kept(files: PublicFiles, log: Path) -> None:
    reply = files.answer("GET", "/checkpoint")
    assert (reply.status, reply.body) == (200, (log / "checkpoint").read_bytes())
    assert header(reply, "content-type") == "text/plain; charset=utf-8"
    assert header(reply, "cache-control") == "no-cache"


@pytest.mark.parametrize(
    "path",
    ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/44"],
)
def test_every_resource_is_bytes_that_never_change(files: PublicFiles, log: Path, path: str) -> None:
    reply = files.answer("GET", f"/{path}")
    assert (reply.status, reply.body) == (200, (log / path).read_bytes())
    assert header(reply, "content-type") == "application/octet-stream"
    assert "immutable" in header(reply, "cache-control")
    assert files.answer("HEAD", f"/{path}") == reply


@pytest.mark.parametrize("accepted", ["gzip", "br, GZIP;q=0.5", "x-gzip", "gzip ; q=1.0, identity"])
def test_bundles_are_compressed_for_whoever_asks(files: PublicFiles, log: Path, accepted: str) -> None:
    reply = files.answer("GET", "/tile/entries/000", accepted)
    assert gzip.decompress(reply.body) == (log / "tile/entries/000").read_bytes()
    assert header(reply, "content-encoding") == "gzip"
    assert header(reply, "vary") == "accept-encoding"
    assert reply.body == files.answer("GET", "/tile/entries/000", accepted).body


@pytest.mark.parametrize("accepted", ["", "identity", "br", "gzip;q=0", "gzip; q=0.000", "*"])
def test_nobody_else_is_sent_what_is_compressed(files: PublicFiles, accepted: str) -> None:
    reply = files.answer("GET", "/tile/entries/000", accepted)
    assert header(reply, "content-encoding") == ""
    assert header(reply, "vary") == "accept-encoding"


def test_hashes_are_never_compressed(files: PublicFiles) -> None:
    assert header(files.answer("GET", "/tile/0/000", "gzip"), "content-encoding") == ""


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/tile",
        "/tile/",
        "/tile/0",
        "/tile/0/",
        "/tile/0/000/",
        "/tile/0/001",
        "/tile/0/001.p/43",
        "/tile/0/001.p/45",
        "/tile/0/001.p",
        "/tile/entries",
        "/tile/entries/001",
        "/tile/entries/002.p/1",
        "/tile/2/000",
        "//checkpoint",
        "/checkpoint/",
        "/./checkpoint",
        "/Checkpoint",
        "/checkpoint\0",
        "/tile/../journal",
        "/tile/0/../../journal",
        "/../secret",
        "/tile/entries/../../../secret",
        "/tile\\0\\000",
        "/tile/0/%30%30%30",
        "http://other.example/checkpoint",
        *(f"/{name}" for name in BEYOND),
        "/" + "x001/" * 100,
    ],
)
def test_nothing_else_is_there(files: PublicFiles, path: str) -> None:
    reply = files.answer("GET", path)
    assert reply.status == 404
    assert b"secret" not in reply.body
    assert header(reply, "cache-control") == "no-store"


@given(path=st.text(max_size=90) | st.from_regex(r"\A/(tile|\.\.|entries|0|000|001|x001|\.p|/|journal|\d+){0,8}\Z"))
def test_no_path_leads_out_of_the_tree(log: Path, path: str) -> None:
    opened = PublicFiles(log, cosigned=True)
    try:
        reply = opened.answer("GET", path)
    finally:
        opened.close()
    if reply.status == 200:
        assert path == "/checkpoint" or path.startswith("/tile/")
        assert (log / path[1:]).resolve().is_relative_to(log) or path == "/checkpoint"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", ""])
def test_it_is_read_and_nothing_else(files: PublicFiles, method: str) -> None:
    reply = files.answer(method, "/checkpoint")
    assert (reply.status, header(reply, "allow")) == (405, "GET, HEAD")


def test_links_and_what_is_no_file_are_not_followed(tmp_path: Path) -> None:
    directory = write_log(tmp_path, [b"{}"])
    (tmp_path / "secret").write_bytes(b"secret")
    (directory / "tile/0/001").symlink_to(tmp_path / "secret")
    (directory / "tile/0/002").mkdir()
    os.mkfifo(directory / "tile/0/003")
    opened = PublicFiles(directory, cosigned=False)
    assert [opened.answer("GET", f"/tile/0/00{index}").status for index in (1, 2, 3)] == [404, 404, 404]
    opened.close()


def test_with_witnesses_the_checkpoint_is_the_one_they_signed(tmp_path: Path) -> None:
    directory = write_log(tmp_path, [b"{}"])
    opened = PublicFiles(directory, cosigned=True)
    newest = (directory / "checkpoint").read_bytes()
    assert opened.answer("GET", "/checkpoint").body == newest
    (directory / "checkpoint.cosigned").write_bytes(b"cosigned")
    assert opened.answer("GET", "/checkpoint").body == b"cosigned"
    alone = PublicFiles(directory, cosigned=False)
    assert alone.answer("GET", "/checkpoint").body == newest
    opened.close()
    alone.close()
