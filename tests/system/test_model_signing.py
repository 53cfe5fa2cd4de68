# SPDX-License-Identifier: Apache-2.0
"""Signatures over models go both ways between Freehold and the tool of the OpenSSF, in an environment of its own."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.gguf_builder import Gguf
from tests.system.estates import Estate
from tests.system.waiting import LONG_S

OPENSSL = shutil.which("openssl") or "openssl"
CURVES = ["prime256v1", "secp384r1", "secp521r1"]
TOOL = ("model-signing==1.1.1", "pyOpenSSL==26.4.0")  # which it imports, and does not ask for


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tool")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=LONG_S)
    pip: list[str | Path] = [
        folder / "bin" / "python",
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--quiet",
        *TOOL,
    ]
    subprocess.run(pip, check=True, timeout=600)
    return folder / "bin" / "model_signing"


@pytest.fixture
def house(tmp_path: Path) -> Estate:
    house = Estate(tmp_path / "estate")
    house.run("init")
    return house


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "source" / "tiny.gguf"
    path.parent.mkdir()
    path.write_bytes(Gguf().build())
    return path


def key_on(curve: str, folder: Path) -> tuple[Path, Path]:
    """A private key, and its public half."""
    private, public = folder / f"{curve}.key", folder / f"{curve}.pem"
    subprocess.run([OPENSSL, "ecparam", "-name", curve, "-genkey", "-noout", "-out", private], check=True)
    subprocess.run([OPENSSL, "ec", "-in", private, "-pubout", "-out", public], check=True, capture_output=True)
    private.chmod(0o600)
    return private, public


def verifies(tool: Path, folder: Path, *arguments: str | Path) -> bool:
    done = subprocess.run(
        [tool, "verify", *arguments, folder], capture_output=True, text=True, timeout=LONG_S, check=False
    )
    return done.returncode == 0 and "succeeded" in done.stdout


@pytest.mark.parametrize("curve", CURVES)
def test_what_freehold_signs_the_tool_verifies(
    tool: Path, house: Estate, weights: Path, tmp_path: Path, curve: str
) -> None:
    private, public = key_on(curve, tmp_path)
    house.run("vault", "import", weights)
    house.run("vault", "sign", "tiny", "--key", f"file:{private}")
    out = tmp_path / "out"
    house.run("vault", "checkout", "tiny", out)
    arguments = ("key", "--public_key", public, "--signature", out / "model.sig")
    assert verifies(tool, out, *arguments)
    with (out / "tiny.gguf").open("r+b") as file:
        file.write(b"g")
    assert not verifies(tool, out, *arguments)


def test_what_an_estate_signs_at_import_the_tool_verifies(
    tool: Path, house: Estate, weights: Path, tmp_path: Path
) -> None:
    house.run("vault", "import", weights)
    house.run("vault", "checkout", "tiny", tmp_path / "out")
    arguments = ("key", "--public_key", house.files / "keys" / "vault.pem", "--signature")
    assert verifies(tool, tmp_path / "out", *arguments, tmp_path / "out" / "model.sig")
    (tmp_path / "out" / "freehold-manifest.json").write_text("{}")
    assert not verifies(tool, tmp_path / "out", *arguments, tmp_path / "out" / "model.sig")


@pytest.mark.parametrize("curve", CURVES)
def test_what_the_tool_signs_lets_a_model_run(
    tool: Path, house: Estate, weights: Path, tmp_path: Path, curve: str
) -> None:
    private, public = key_on(curve, tmp_path)
    signature = weights.with_name("tiny.gguf.sig")
    subprocess.run([tool, "sign", "key", "--private_key", private, "--signature", signature, weights], check=True)
    shutil.copy(public, house.files / "keys" / "publisher.pem")
    with (house.files / "freehold.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'\n[trust.publisher]\nmatch = ["{weights.parent}/*"]\nkeys = ["file:keys/publisher.pem"]\n')
    house.run("vault", "import", weights)
    custody = house.ask("vault", "show", "tiny")["custody"]
    assert (custody["may_run"], custody["why"]) == (True, "signed by a key of trust.publisher")


def test_what_the_tool_signs_by_certificate_lets_a_model_run(
    tool: Path, house: Estate, weights: Path, tmp_path: Path
) -> None:
    root_key, _ = key_on("secp384r1", tmp_path)
    key, _ = key_on("prime256v1", tmp_path)
    root, leaf = _certified(root_key, key, tmp_path)
    arguments: list[str | Path] = ["--private_key", key, "--signing_certificate", leaf, "--certificate_chain", root]
    signature = weights.with_name("model.sig")
    subprocess.run([tool, "sign", "certificate", *arguments, "--signature", signature, weights], check=True)
    shutil.copy(root, house.files / "keys" / "root.pem")
    with (house.files / "freehold.toml").open("a", encoding="utf-8") as settings:
        settings.write('\n[trust.publisher]\nmatch = ["*"]\ncertificates = ["file:keys/root.pem"]\n')
    house.run("vault", "import", weights)
    assert house.ask("vault", "show", "tiny")["custody"]["may_run"]


def test_a_signature_of_the_tool_over_another_file_stops_the_import(
    tool: Path, house: Estate, weights: Path, tmp_path: Path
) -> None:
    private, _ = key_on("prime256v1", tmp_path)
    signature = weights.with_name("tiny.gguf.sig")
    subprocess.run([tool, "sign", "key", "--private_key", private, "--signature", signature, weights], check=True)
    with weights.open("ab") as file:
        file.write(b"\0")
    done = house.attempt("vault", "import", weights)
    assert done.returncode == 1
    assert "does not vouch for the model" in done.stderr
    assert json.loads(house.run("vault", "list", "--json")) == {"models": []}


def _certified(root_key: Path, key: Path, folder: Path) -> tuple[Path, Path]:
    """A root's certificate, and the signer's from it."""
    root, request, leaf, usage = (folder / name for name in ("root.crt", "leaf.csr", "leaf.crt", "usage"))
    usage.write_text("basicConstraints = critical, CA:false\nkeyUsage = critical, digitalSignature\n")
    make_root: list[str | Path] = [
        "req",
        "-x509",
        "-new",
        "-key",
        root_key,
        "-days",
        "30",
        "-subj",
        "/CN=root",
        "-out",
        root,
    ]
    ask: list[str | Path] = ["req", "-new", "-key", key, "-subj", "/CN=signer", "-out", request]
    issue: list[str | Path] = [
        "x509",
        "-req",
        "-in",
        request,
        "-CA",
        root,
        "-CAkey",
        root_key,
        "-CAcreateserial",
        "-days",
        "7",
    ]
    for command in (make_root, ask, [*issue, "-extfile", usage, "-out", leaf]):
        subprocess.run([OPENSSL, *command], check=True, capture_output=True)
    return root, leaf
