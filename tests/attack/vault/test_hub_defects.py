# SPDX-License-Identifier: Apache-2.0
"""Hubs that list what cannot be, or that contradict themselves. Each defect is one change to a sound answer."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.gguf_builder import Gguf
from tests.hub_builder import COMMIT, OTHER_COMMIT, REPOSITORY, FakeClient, StandIn

from freehold.contract.grant import Allowance, Errand, Place
from freehold.errors import VaultError, VerificationFailed
from freehold.vault import Vault
from freehold.vault.hub.repository import ClientHub

SOURCE = f"hf:{REPOSITORY}@{COMMIT}"
HUB = Place("hub.example.org")


class Lying(FakeClient):
    """Says something else than it should when it is asked for ``what``."""

    def __init__(self, hub: StandIn, what: str, change: Callable[[dict[str, Any]], object]) -> None:
        super().__init__(hub)
        self._what = what
        self._change = change

    def answer(self, question: Mapping[str, object]) -> dict[str, Any]:
        said = super().answer(question)
        if question["what"] == self._what:
            self._change(said)
        return said


def listed(**changed: object) -> Callable[[dict[str, Any]], object]:
    return lambda said: said["files"][0].update(changed)


DEFECTS: dict[str, tuple[str, Callable[[dict[str, Any]], object], str]] = {
    "dots in a path": ("list", listed(path="../tiny.gguf"), "leads out of the model"),
    "absolute path": ("list", listed(path="/tiny.gguf"), "leads out of the model"),
    "path with a zero byte": ("list", listed(path="ti\0ny.gguf"), "characters that cannot be shown"),
    "two files under one name": ("list", lambda said: said["files"].append(said["files"][0]), "two files under one"),
    "size below zero": ("list", listed(size_bytes=-1), "cannot be understood"),
    "size as text": ("list", listed(size_bytes="7"), "cannot be understood"),
    "size beyond every disk": ("list", listed(size_bytes=2**62), "cannot be understood"),
    "size of a petabyte": ("list", listed(size_bytes=2**50), "needs 11258"),
    "digest is a path": ("list", listed(sha256="../../../etc/passwd"), "cannot be understood"),
    "commit is a branch": ("list", lambda said: said.update(commit="main"), "cannot be understood"),
    "commit missing": ("list", lambda said: said.pop("commit"), "does not say which commit"),
    "another commit": ("list", lambda said: said.update(commit=OTHER_COMMIT), f"answered with {OTHER_COMMIT}"),
    "no files": ("list", lambda said: said.update(files=[]), "has no"),
    "files no list": ("list", lambda said: said.update(files="tiny.gguf"), "cannot be understood"),
    "a problem that nobody knows": ("list", lambda said: said.update(problem="x"), "cannot be understood"),
    "pickle alone": ("list", listed(path="pytorch_model.bin"), "has no weights in a format that is let in"),
    "handed out from nowhere": ("locate", lambda said: said.update(files=[]), "does not say which digest, size or"),
    "handed out by a file": ("locate", listed(url="file:///etc/passwd"), "does not say which digest, size or"),
    "handed out with a password": ("locate", listed(url="https://a:b@x.example/"), "does not say which digest"),
    "handed out as another": ("locate", listed(etag="0" * 64), "has changed: tiny.gguf was listed as"),
    "handed out of another commit": ("locate", listed(commit=OTHER_COMMIT), f"handed out as .* {OTHER_COMMIT}"),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_hub_with_a_defect_is_refused_and_nothing_is_fetched_or_kept(defect: str, tmp_path: Path) -> None:
    what, change, said = DEFECTS[defect]
    hub = StandIn(cdn=f"https://{HUB.host}")
    hub.put({"tiny.gguf": Gguf().build()})
    client = Lying(hub, what, change)
    vault = Vault(tmp_path / "vault", hub=ClientHub(endpoint=f"https://{HUB.host}", installer=client))
    with pytest.raises((VaultError, VerificationFailed), match=said):
        vault.import_model(SOURCE, permit=_this_hub)
    assert (vault.list(), hub.heard) == ((), [])


def _this_hub(errand: Errand) -> Allowance:
    return Allowance(places=frozenset({HUB}))
