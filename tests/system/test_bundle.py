# SPDX-License-Identifier: Apache-2.0
"""An estate out of a bundle alone, where there is no network; and bundles that other tools have carried.

The network namespace has no interface but its own loopback, which is up because the estate's ports lie on it.
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.ports import free_port
from tests.system import processes
from tests.system.estates import Estate
from tests.system.programs import installed
from tests.system.waiting import wait_for

EMBEDDING = "all-minilm-l6-v2"
ORAS = "oras==0.2.43"
STARTER = Path(__file__).parents[2] / "src" / "freehold" / "vault" / "bundle" / "starter.py"
ASK = """
import json, sys, urllib.request
base, key = sys.argv[1:]
def ask(path, body):
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    request = urllib.request.Request(base + path, json.dumps(body).encode(), headers)
    return json.load(urllib.request.urlopen(request, timeout=120))
chat = {"model": "default", "max_tokens": 8, "temperature": 0, "messages": [{"role": "user", "content": "Say hello."}]}
print(json.dumps([ask("/v1/chat/completions", chat), ask("/v1/embeddings", {"model": "embeddings", "input": "text"})]))
"""


@pytest.fixture(scope="module")
def exporter(estate: Estate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """An estate with the default model, the embedding model and rules of its own, which is down."""
    own = Estate(tmp_path_factory.mktemp("exporter") / "estate")
    try:
        own.run("init")
        own.take_vault_of(estate)
        own.run("vault", "import", EMBEDDING)
        settings = own.directory / "freehold.toml"
        lines = settings.read_text(encoding="utf-8").splitlines(keepends=True)
        begin = lines.index("#[service.embeddings]\n")
        settings.write_text("".join([*lines[:begin], *(line.removeprefix("#") for line in lines[begin:])]))
        (own.directory / "policies").mkdir()
        (own.directory / "policies" / "own.cedar").write_text("// carried along\n")
        yield own
    finally:
        own.destroy()


@pytest.fixture(scope="module")
def whole(exporter: Estate, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A bundle with the program, and its digest."""
    place = tmp_path_factory.mktemp("whole") / "estate.tar"
    return place, exporter.ask("vault", "bundle", "export", place, "--program")["bundle"]["digest"]


@pytest.fixture(scope="module")
def small(exporter: Estate, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """One without the program."""
    place = tmp_path_factory.mktemp("small") / "estate.tar"
    return place, exporter.ask("vault", "bundle", "export", place)["bundle"]["digest"]


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Path]:
    """A folder on a machine that has Python and make."""
    yield tmp_path
    directory = tmp_path / "freehold" / "estate"
    processes.kill(processes.of_estate(directory))
    wait_for(lambda: not processes.of_estate(directory), "the processes of the unpacked estate are gone")


def without_network(folder: Path, script: str, *arguments: str | Path) -> str:
    """Run a script in a namespace that has a loopback and nothing else: what it printed."""
    begin = 'ip link set lo up\n[ -z "$(ip -o link | grep -v \': lo:\')" ]\n[ -z "$(ip route)" ]\n'
    enter = [installed("unshare", "util-linux"), "--map-root-user", "--net", "sh", "-ec", begin + script, "sh"]
    installed("ip", "iproute2")
    done = subprocess.run([*enter, *arguments], cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(900)
def test_where_there_is_no_network_a_bundle_alone_makes_an_estate_that_answers(
    bare: Path, whole: tuple[Path, str]
) -> None:
    place, digest = whole
    starter = hashlib.sha256(STARTER.read_bytes()).hexdigest()
    ports = (free_port(), free_port())
    script = f"""
tar -xOf {place} blobs/sha256/{starter} > start.py
echo '{starter}  start.py' | sha256sum --check --status
{sys.executable} start.py unpack {place} freehold {digest}
cd freehold
made="BUNDLE={place} DIGEST={digest} PYTHON={sys.executable} PORT={ports[0]} ADMIN_PORT={ports[1]}"
make up $made > ../up.log 2>&1 || {{ cat ../up.log; exit 1; }}
key=$(grep -om1 'fh_[A-Za-z0-9_-]*' ../up.log)
.venv/bin/python -c "$1" http://127.0.0.1:{ports[0]} "$key"
.venv/bin/freehold ledger verify --json
.venv/bin/freehold vault verify --json > ../vault.json
make --no-print-directory down
"""
    said = without_network(bare, script, ASK)
    answers = json.loads(next(line for line in said.splitlines() if line.startswith("[{")))
    assert answers[0]["choices"][0]["message"]["content"]
    assert len(answers[1]["data"][0]["embedding"]) == 384
    ledger = json.loads(said[said.index("{\n") : said.rindex("}") + 1])["ledger"]
    assert ledger["admissions"] >= 2
    assert {model["passed"] for model in json.loads((bare / "vault.json").read_text())["models"]} == {True}
    assert (bare / "freehold" / "estate" / "policies" / "own.cedar").read_text() == "// carried along\n"


@pytest.mark.timeout(300)
def test_the_same_estate_gives_the_same_bytes_up_or_down(
    exporter: Estate, small: tuple[Path, str], tmp_path: Path
) -> None:
    exporter.run("vault", "bundle", "export", tmp_path / "again.tar")
    assert digest_of(tmp_path / "again.tar") == digest_of(small[0])


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def take_in(place: Path, digest: str, folder: Path) -> dict[str, Any]:
    """Import a bundle into a new estate: what the command says of it."""
    house = Estate(folder / "importer")
    house.run("init")
    taken: dict[str, Any] = house.ask("vault", "bundle", "import", place, "--digest", digest)["bundle"]
    assert all(model["passed"] for model in house.ask("vault", "verify")["models"])
    return taken


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """A registry on this machine: its host and port."""
    address = f"127.0.0.1:{free_port()}"
    settings = tmp_path / "registry.yml"
    storage = f"storage: {{filesystem: {{rootdirectory: {tmp_path / 'registry'}}}}}"
    settings.write_text(f"version: 0.1\n{storage}\nhttp: {{addr: '{address}'}}\n")
    program = installed("docker-registry")
    with subprocess.Popen(
        [program, "serve", settings], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    ) as serving:
        try:
            wait_for(lambda: _listens(address), "the registry listens")
            yield address
        finally:
            serving.terminate()


def _listens(address: str) -> bool:
    curl = [sys.executable, "-c", f"import urllib.request; urllib.request.urlopen('http://{address}/v2/')"]
    return subprocess.run(curl, capture_output=True, check=False).returncode == 0


@pytest.mark.timeout(600)
def test_skopeo_carries_a_bundle_into_a_registry_and_out_again(
    small: tuple[Path, str], registry: str, tmp_path: Path
) -> None:
    place, digest = small
    skopeo = [
        installed("skopeo"),
        "--insecure-policy",
        "copy",
        "--all",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
    ]
    for source, target in (
        (f"oci-archive:{place}", f"docker://{registry}/estates/one:v1"),
        (f"docker://{registry}/estates/one:v1", f"oci:{tmp_path / 'carried'}:v1"),
        (f"oci:{tmp_path / 'carried'}:v1", f"oci-archive:{tmp_path / 'carried.tar'}:v1"),
    ):
        subprocess.run([*skopeo, source, target], check=True, capture_output=True, timeout=300)
    for carried in (tmp_path / "carried", tmp_path / "carried.tar"):
        (tmp_path / carried.suffix).mkdir(exist_ok=True)
        taken = take_in(carried, digest, tmp_path / f"of-{carried.name}")
        assert [model["name"] for model in taken["models"]] == [EMBEDDING, "smollm2-135m-instruct"]


@pytest.mark.timeout(600)
def test_oras_reads_what_skopeo_has_put_into_a_registry(small: tuple[Path, str], registry: str, tmp_path: Path) -> None:
    """The client from PyPI; it has no commands for layouts."""
    place, digest = small
    skopeo = [installed("skopeo"), "--insecure-policy", "copy", "--all", "--dest-tls-verify=false"]
    subprocess.run(
        [*skopeo, f"oci-archive:{place}", f"docker://{registry}/estates/one:v1"], check=True, capture_output=True
    )
    tool = tmp_path / "tool"
    subprocess.run([sys.executable, "-m", "venv", tool], check=True, timeout=120)
    pip: list[str | Path] = [
        tool / "bin" / "python",
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--quiet",
        ORAS,
    ]
    subprocess.run(pip, check=True, timeout=300)
    pull = (
        "import sys, oras.client; client = oras.client.OrasClient(insecure=True); "
        "print(client.pull(target=sys.argv[1], outdir=sys.argv[2], allowed_media_type=[]))"
    )
    target = f"{registry}/estates/one@{digest}"
    done = subprocess.run(
        [tool / "bin" / "python", "-c", pull, target, tmp_path / "pulled"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "pulled" / "policies" / "own.cedar").read_text() == "// carried along\n"
    assert (tmp_path / "pulled" / "bom.cdx.json").is_file()
