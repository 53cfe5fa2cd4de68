# SPDX-License-Identifier: Apache-2.0
"""A script for an interpreter without packages: 'asking_hub.py CLIENT QUESTION ANSWER' has the hub's client answer.

CLIENT is the folder that huggingface_hub was installed to, QUESTION and ANSWER are files of JSON. The question says
what is asked: ``list`` (what a revision is, and its files), ``locate`` (from where each file would come), or ``fetch``.
What goes wrong is one word of the answer; what the client has to say of it goes to standard error, and nowhere else.
"""

import io
import json
import logging
import os
import resource
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_TIMEOUT_S = 60.0
_PIECE_BYTES = 2**20  # what is lost of a file at most when it breaks off
_MEMORY_BYTES = 2**30  # a list without an end would take all that the host has

Answer = dict[str, Any]


def main() -> None:
    client, question, answer = sys.argv[1:]
    _bound()
    asked = json.loads(Path(question).read_text(encoding="utf-8"))
    sys.path.insert(0, client)
    os.environ.update(asked["environment"])  # before the client is imported, which reads it then
    logging.basicConfig(stream=sys.stderr)
    said = _answered(_ASKED[asked["what"]], asked)
    Path(answer).write_text(json.dumps(said), encoding="utf-8")


def _bound() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    bound = _MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(_MEMORY_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_AS, (bound, bound))


class _TooLongError(Exception):
    """More comes of a file than was listed."""


class _Part(io.BufferedWriter):
    """What has come of a file, which takes no more than was listed: the client itself would fill the disk."""

    def __init__(self, path: str, size_bytes: int) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        super().__init__(io.FileIO(os.open(path, flags, 0o600), "ab"))
        self._size_bytes = size_bytes

    def write(self, piece: Any) -> int:
        if self.tell() + len(piece) > self._size_bytes:
            raise _TooLongError
        return super().write(piece)


def _answered(answer: Callable[[Answer], Answer], asked: Answer) -> Answer:
    import httpx2
    from huggingface_hub import errors

    words: tuple[tuple[type[BaseException], str], ...] = (
        (errors.GatedRepoError, "gated"),
        (errors.RepositoryNotFoundError, "no repository"),
        (errors.RevisionNotFoundError, "no revision"),
        (errors.EntryNotFoundError, "no file"),
        (errors.DisabledRepoError, "disabled"),
        (errors.HfHubHTTPError, "status"),
        (httpx2.TransportError, "broken off"),
        (httpx2.HTTPError, "not understood"),
        (OSError, "not understood"),
        (ValueError, "not understood"),
        (LookupError, "not understood"),
        (TypeError, "not understood"),
        (AttributeError, "not understood"),
        (RecursionError, "not understood"),
        (MemoryError, "not understood"),
        (_TooLongError, "too long"),
    )
    try:
        return answer(asked)
    except tuple(kind for kind, _ in words) as problem:
        traceback.print_exc()
        response = getattr(problem, "response", None)
        return {
            "problem": next(word for kind, word in words if isinstance(problem, kind)),
            "status": response.status_code if response is not None else 0,
            "wait_s": _seconds(response.headers.get("Retry-After", "")) if response is not None else 0,
        }


def _seconds(said: str) -> int:
    return int(said) if said.isascii() and said.isdigit() and len(said) < 6 else 0


def _list(asked: Answer) -> Answer:
    """The commit that a revision stands for, the licence that is stated, and every file with its size and digests."""
    from huggingface_hub import HfApi

    info = HfApi(endpoint=asked["endpoint"], token=False).model_info(
        asked["repository"], revision=asked["revision"], files_metadata=True, timeout=_TIMEOUT_S, token=False
    )
    card = info.card_data.to_dict() if info.card_data is not None else {}
    licence = card.get("license_name") if card.get("license") == "other" else card.get("license")
    return {
        "commit": info.sha,
        "licence": licence if isinstance(licence, str) else "",
        "files": [
            {
                "path": sibling.rfilename,
                "size_bytes": sibling.lfs.size if sibling.lfs else sibling.size,
                "sha256": sibling.lfs.sha256 if sibling.lfs else "",
                "blob": "" if sibling.lfs else sibling.blob_id,
            }
            for sibling in info.siblings or ()
        ],
    }


def _locate(asked: Answer) -> Answer:
    """From where each file would come, and what the hub says there of it."""
    return {
        "files": [
            {
                "path": path,
                "url": found.location,
                "commit": found.commit_hash,
                "etag": found.etag,
                "size_bytes": found.size,
            }
            for path, found in _found(asked)
        ]
    }


def _fetch(asked: Answer) -> Answer:
    """Every file, each to the end of what its part holds already."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    constants.DOWNLOAD_CHUNK_SIZE = _PIECE_BYTES
    wanted = {file["path"]: file for file in asked["files"]}
    for path, found in _found(asked):
        with _Part(wanted[path]["part"], wanted[path]["size_bytes"]) as part:
            http_get(
                found.location,
                part,
                resume_size=part.seek(0, os.SEEK_END),
                headers=build_hf_headers(token=False),
                expected_size=wanted[path]["size_bytes"],
                displayed_filename=path,
            )
    return {}


def _found(asked: Answer) -> Iterator[tuple[str, Any]]:
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    for file in asked["files"]:
        url = hf_hub_url(asked["repository"], file["path"], revision=asked["revision"], endpoint=asked["endpoint"])
        yield (
            file["path"],
            get_hf_file_metadata(
                url, token=False, timeout=_TIMEOUT_S, endpoint=asked["endpoint"], retry_on_errors=True
            ),
        )


_ASKED: dict[str, Callable[[Answer], Answer]] = {"list": _list, "locate": _locate, "fetch": _fetch}


if __name__ == "__main__":
    main()
