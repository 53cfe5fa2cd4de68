# SPDX-License-Identifier: Apache-2.0
"""Writes the bundles of bundles/, each with the one defect that it is named for.

Two tiny models and one paper are in each. The keys are made here and are gone afterwards, so a run replaces every file.
Only to add one: ``python -m tests.attack.vault.make_bundles``.
"""

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from tests.bundle_builder import CONTENTS, OTHER, TINY, Builder, add, blob_name, digest_of, tar_of
from tests.vault_builder import Authority, der, signer

from freehold.signing.elliptic import EllipticSigner
from freehold.vault.oms import sign

BUNDLES = Path(__file__).parent / "bundles"
WEIGHTS = blob_name(TINY)
Files = dict[str, bytes]
_BLOCK = tarfile.BLOCKSIZE


def main() -> None:
    own, root = signer(), Authority("root")
    leaf = ec.generate_private_key(ec.SECP256R1())
    BUNDLES.mkdir(exist_ok=True)
    (BUNDLES / "exporter.pem").write_bytes(own.verifier.pem)
    (BUNDLES / "root.pem").write_bytes(root.certificate.public_bytes(Encoding.PEM))
    by_certificate = EllipticSigner(leaf)
    made = {
        **in_documents(own),
        **in_signatures(own),
        "sound-by-certificate": _certified(by_certificate, root, days=365),
        "signed-by-an-expired-certificate": _certified(by_certificate, root, days=30),
        **in_files(Builder(own).build()),
        **in_the_archive(Builder(own).build()),
    }
    for path in BUNDLES.glob("*.tar"):
        path.unlink()
    for name, content in made.items():
        (BUNDLES / f"{name}.tar").write_bytes(content)


def in_documents(own: EllipticSigner) -> dict[str, bytes]:
    """What an exporter signs that has gone wrong, or lies."""

    def changed(**changes: Callable[[Any], Any]) -> bytes:
        named = {name.replace("_", ":"): change for name, change in changes.items()}
        return tar_of(Builder(own, named).build())

    return {
        "sound": tar_of(Builder(own).build()),
        "manifest-lists-a-file-more": changed(manifest_tiny=_with_a_file_more),
        "artifact-lists-a-file-more": changed(artifact_tiny=_with_a_layer_more),
        "artifact-of-the-other-model": changed(config=_swapped),
        "custody-over-another-model": changed(
            custody_tiny=lambda custody: {k: v for k, v in custody.items() if k != "subject"}
        ),
        "contents-name-a-manifest-more": changed(config=_with_a_program_more),
        "contents-name-a-manifest-less": changed(config=lambda config: config | {"models": config["models"][:1]}),
        "contents-name-a-model-twice": changed(config=lambda config: config | {"models": config["models"][:1] * 2}),
        "index-lists-a-manifest-less": changed(index=lambda index: index | {"manifests": _without_a_model(index)}),
        "index-lists-a-manifest-twice": changed(index=lambda index: index | {"manifests": index["manifests"] * 2}),
        "index-lists-what-is-not-there": changed(index=_with_nothing_more),
        "top-lists-another-manifest": changed(top=_with_nothing_more),
        "top-lists-no-index": changed(top=lambda top: top | {"manifests": []}),
        "size-of-a-blob-is-another": changed(artifact_tiny=_of_another_size),
        "format-of-a-later-release": changed(contents=lambda one: one | {"artifactType": CONTENTS.replace("v1", "v2")}),
        "schema-of-a-later-release": changed(config=lambda config: config | {"schema": 2}),
        "field-unknown": changed(config=lambda config: config | {"more": 1}),
        "manifest-is-not-of-its-files": changed(manifest_tiny=lambda one: one | {"architecture": "qwen2"}),
        "manifest-of-another-name": changed(manifest_tiny=lambda one: one | {"name": "tidy"}),
        "model-that-runs-code": changed(manifest_tiny=_of_a_pickle, artifact_tiny=_named("model.bin")),
    }


def in_signatures(own: EllipticSigner) -> dict[str, bytes]:
    """What is wrong with who vouches for it."""
    other = signer()
    forged = Builder(own, {"signature": _forged})
    stolen: list[bytes] = []
    Builder(
        own, {"config": lambda config: config | {"origin": "freehold.local/another"}, "signature": stolen.append}
    ).build()
    return {
        "unsigned": tar_of(Builder(own, {"signature": lambda _: None}).build()),
        "signed-by-another-key": tar_of(Builder(other).build()),
        "signature-forged": tar_of(forged.build()),
        "signature-over-another-bundle": tar_of(Builder(own, {"signature": lambda _: stolen[0]}).build()),
        "signature-is-not-json": tar_of(Builder(own, {"signature": lambda _: b"{"}).build()),
    }


def in_files(files: Files) -> dict[str, bytes]:
    """A sound layout in which somebody has changed a file."""
    weights, paper = bytearray(files[WEIGHTS]), blob_name(b"// none\n")
    weights[-1] ^= 1
    swapped = files | {WEIGHTS: OTHER, blob_name(OTHER): TINY}
    renamed = {("blobs/sha256/" + "00" * 32 if name == WEIGHTS else name): content for name, content in files.items()}
    twice = files["index.json"].replace(b'{"manifests"', b'{"schemaVersion":2,"manifests"')
    return {
        "weights-bit-flipped": tar_of(files | {WEIGHTS: bytes(weights)}),
        "weights-truncated": tar_of(files | {WEIGHTS: files[WEIGHTS][:-1]}),
        "weights-swapped-between-two-models": tar_of(swapped),
        "weights-renamed": tar_of(renamed),
        "weights-missing": tar_of({name: content for name, content in files.items() if name != WEIGHTS}),
        "paper-changed": tar_of(files | {paper: b"permit(p);"[:8]}),
        "manifest-changed": tar_of(_one_manifest_changed(files)),
        "blob-that-nothing-lists": tar_of(files | {blob_name(b"stowaway"): b"stowaway"}),
        "file-beside-the-layout": tar_of(files | {"setup.sh": b"#!/bin/sh\n"}),
        "index-missing": tar_of({name: content for name, content in files.items() if name != "index.json"}),
        "index-is-not-json": tar_of(files | {"index.json": b"{"}),
        "index-names-a-key-twice": tar_of(files | {"index.json": twice}),
        "layout-of-another-version": tar_of(files | {"oci-layout": b'{"imageLayoutVersion":"2.0.0"}'}),
    }


def in_the_archive(files: Files) -> dict[str, bytes]:
    """What is wrong with the tar itself."""
    whole = tar_of(files)
    odd: Mapping[str, tuple[str, bytes, str]] = {
        "symbolic-link": (WEIGHTS, tarfile.SYMTYPE, "/etc/passwd"),
        "hard-link": (WEIGHTS, tarfile.LNKTYPE, "index.json"),
        "device": ("blobs/sha256/zero", tarfile.CHRTYPE, ""),
        "pipe": ("blobs/sha256/pipe", tarfile.FIFOTYPE, ""),
        "sparse-file": (WEIGHTS, tarfile.GNUTYPE_SPARSE, ""),
        "long-name-of-gnu": ("././@LongLink", tarfile.GNUTYPE_LONGNAME, ""),
        "name-leads-out": ("blobs/sha256/../../../evil", tarfile.REGTYPE, ""),
        "name-is-absolute": ("/tmp/evil", tarfile.REGTYPE, ""),  # noqa: S108 - a name in an archive
    }
    rest = {name: content for name, content in files.items() if name != WEIGHTS}
    return {
        **{name: _with(rest if member[0] == WEIGHTS else files, *member) for name, member in odd.items()},
        "member-twice": _with(files, "index.json", tarfile.REGTYPE, "", b"{}"),
        "archive-truncated": whole[: len(whole) // 2],
        "archive-without-its-end": whole.rstrip(b"\0") + bytes(-len(whole.rstrip(b"\0")) % _BLOCK),
        "archive-goes-on-behind-its-end": whole + b"more" + bytes(_BLOCK - 4),
        "archive-header-damaged": whole[:10] + b"X" + whole[11:],
        "archive-is-gzip": gzip.compress(whole, mtime=0),
        "archive-is-zip": _zipped(files),
        "size-beyond-the-end": _with_header(files, "blobs/sha256/" + "00" * 32, 2**40),
        "extended-header-of-8-gib": _with_header(files, "x", 2**33, kind=tarfile.XHDTYPE),
        "extended-header-sparse": _extended(files, {"GNU.sparse.realsize": "1099511627776"}),
        "extended-header-damaged": _with(files, "x", tarfile.XHDTYPE, "", b"99999 path=evil\n"),
        "size-for-all-members": _with(files, "g", tarfile.XGLTYPE, "", b"10 size=1\n"),
        "folder-with-content": _with(files, "blobs", tarfile.DIRTYPE, "", b"content"),
    }


def _certified(by: EllipticSigner, root: Authority, *, days: int) -> bytes:
    leaf = root.issue(by._key.public_key(), days=days)
    return tar_of(Builder(by, certificates=der([leaf])).build())


def _with_a_file_more(manifest: Any) -> Any:
    more = {"digest": digest_of(OTHER), "path": "z.gguf", "size_bytes": len(OTHER), "verity": ""}
    files = [*manifest["files"], more]
    rows = [{"digest": file["digest"], "path": file["path"], "size_bytes": file["size_bytes"]} for file in files]
    over = digest_of(json.dumps(rows, separators=(",", ":")).encode())
    return manifest | {"files": files, "digest": over, "size_bytes": sum(file["size_bytes"] for file in files)}


def _with_a_layer_more(artifact: Any) -> Any:
    (layer,) = artifact["layers"]
    more = {"digest": digest_of(OTHER), "mediaType": layer["mediaType"], "size": len(OTHER)}
    return artifact | {"layers": [layer, more | {"annotations": {"org.cncf.model.filepath": "z.gguf"}}]}


def _swapped(config: Any) -> Any:
    one, other = config["models"]
    return config | {"models": [one | {"artifact": other["artifact"]}, other | {"artifact": one["artifact"]}]}


def _with_a_program_more(config: Any) -> Any:
    return config | {"programs": ["sha256:" + "00" * 32]}


def _without_a_model(index: Any) -> Any:
    """All but one of the manifests that are no signature and no contents: these come with a size of their own."""
    return [row for row in index["manifests"] if row != _smallest(index["manifests"])]


def _smallest(rows: list[Any]) -> Any:
    return min(rows, key=lambda row: row["size"])


def _with_nothing_more(index: Any) -> Any:
    row = {"digest": "sha256:" + "00" * 32, "mediaType": index["manifests"][0]["mediaType"], "size": 2}
    if index["manifests"][0]["mediaType"].endswith("index.v1+json"):
        row["mediaType"] = "application/vnd.oci.image.manifest.v1+json"
    return index | {"manifests": [*index["manifests"], row]}


def _of_another_size(artifact: Any) -> Any:
    (layer,) = artifact["layers"]
    return artifact | {"layers": [layer | {"size": layer["size"] + 1}]}


def _of_a_pickle(manifest: Any) -> Any:
    (file,) = manifest["files"]
    return manifest | {"files": [file | {"path": "model.bin"}]}


def _named(path: str) -> Callable[[Any], Any]:
    def change(artifact: Any) -> Any:
        (layer,) = artifact["layers"]
        return artifact | {"layers": [layer | {"annotations": {"org.cncf.model.filepath": path}}]}

    return change


def _forged(signature: bytes) -> bytes:
    """The right key's name on bytes that it did not sign."""
    document = json.loads(signature)
    other = json.loads(sign(b"{}", signer()))
    document["dsseEnvelope"]["signatures"] = other["dsseEnvelope"]["signatures"]
    return json.dumps(document).encode()


def _one_manifest_changed(files: Files) -> Files:
    name = next(name for name, content in files.items() if b"cncf.model.manifest" in content)
    return files | {name: files[name].replace(b"schemaVersion", b"schemaversion")}


def _with(files: Files, name: str, kind: bytes, to: str, content: bytes = b"") -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        add(archive, name, content, kind=kind, to=to)
        for other, kept in sorted(files.items()):
            add(archive, other, kept)
    return whole.getvalue()


def _with_header(files: Files, name: str, size_bytes: int, *, kind: bytes = tarfile.REGTYPE) -> bytes:
    """A header that promises more than there is."""
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size_bytes
    return info.tobuf(tarfile.GNU_FORMAT) + tar_of(files)


def _extended(files: Files, records: Mapping[str, str]) -> bytes:
    info = tarfile.TarInfo("index.json")
    info.size, info.pax_headers = len(files["index.json"]), dict(records)
    head = info.tobuf(tarfile.PAX_FORMAT) + files["index.json"] + bytes(-info.size % _BLOCK)
    return head + tar_of({name: content for name, content in files.items() if name != "index.json"})


def _zipped(files: Files) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return whole.getvalue()


if __name__ == "__main__":
    main()
