# SPDX-License-Identifier: Apache-2.0
"""Writes the manifests and signatures of papers/, each with the one defect that it is named for.

The model is the sound file of ``tests.gguf_builder``, called tiny. The keys are made here and are gone afterwards, so a
run replaces every file. Only to add one: ``python -m tests.attack.vault.make_papers``.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from tests.gguf_builder import Gguf
from tests.vault_builder import Authority, der, signer

from freehold.signing.elliptic import EllipticSigner
from freehold.vault.oms import Resource, sign, write_statement

PAPERS = Path(__file__).parent / "papers"
CONTENT = Gguf().build()
DIGEST = "sha256:" + hashlib.sha256(CONTENT).hexdigest()
OTHER = "sha256:" + "00" * 32
FILE = Resource(name="tiny.gguf", digest=DIGEST)
_SOUND: Mapping[str, Any] = {
    "architecture": "llama",
    "chat_template_digest": "",
    "context_train_tokens": 64,
    "digest": DIGEST,
    "files": [{"digest": DIGEST, "path": "tiny.gguf", "size_bytes": len(CONTENT), "verity": ""}],
    "format": "gguf",
    "imported_at": "2026-11-22T14:38:05Z",
    "licence": "MIT",
    "licence_digest": "",
    "lineage": {"done": "", "parents": []},
    "name": "tiny",
    "origin": "tiny.gguf",
    "parameters": 40,
    "quantisation": "F32",
    "repository": "",
    "revision": "",
    "schema": 2,
    "size_bytes": len(CONTENT),
    "source_digest": "",
    "title": "Tiny",
    "tokenizer": "gpt2",
    "tokenizer_digest": "",
}
_MORE = {"digest": OTHER, "path": "unheard-of.json", "size_bytes": 7, "verity": ""}


def manifests() -> dict[str, bytes]:
    """Every manifest's bytes, by the name of its defect."""
    (file,) = _SOUND["files"]
    return {
        "digest-of-other-files": _manifest(digest=OTHER),
        "size-of-other-files": _manifest(size_bytes=1),
        "lists-a-file-more": _manifest(files=[file, _MORE]),
        "lists-no-file": _manifest(files=[]),
        "lists-a-file-twice": _manifest(files=[file, file]),
        "lists-no-weights": _manifest(files=[_MORE, {**_MORE, "path": "z.json"}]),
        "path-leads-out": _manifest(files=[{**file, "path": "../tiny.gguf"}]),
        "path-is-absolute": _manifest(files=[{**file, "path": "/tiny.gguf"}]),
        "path-in-a-file": _manifest(files=[{**file, "path": "a.gguf"}, {**file, "path": "a.gguf/b.gguf"}]),
        "path-of-the-signature": _manifest(files=[{**file, "path": "model.sig"}]),
        "files-out-of-order": _manifest(files=[{**file, "path": "b.gguf"}, {**file, "path": "a.gguf"}]),
        "digest-in-capitals": _manifest(digest=DIGEST.upper().replace("SHA256", "sha256")),
        "name-of-another-model": _manifest(name="other"),
        "field-unknown": _manifest(approved=True),
        "schema-of-a-later-release": _manifest(schema=3),
        "spaces": json.dumps(_SOUND, sort_keys=True).encode() + b"\n",
        "no-newline": _manifest().rstrip(),
        "not-json": b"name: tiny\n",
    }


def _manifest(**changes: object) -> bytes:
    return json.dumps({**_SOUND, **changes}, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def signatures(publisher: EllipticSigner, root: Authority) -> dict[str, bytes]:
    """Every signature's bytes. None but ``sound`` and ``sound-by-certificate`` lets the model run."""
    stranger, private = signer(), ec.generate_private_key(ec.SECP256R1())
    certified, public = EllipticSigner(private), private.public_key()
    statement = write_statement("tiny", [FILE])
    sound, by_stranger = sign(statement, publisher), sign(statement, stranger)
    return {
        "sound": sound,
        "sound-by-certificate": sign(statement, certified, der([root.issue(public, days=36500)])),
        "by-another-key": by_stranger,
        "by-another-key-under-the-name-of-the-publishers": by_stranger.replace(
            stranger.verifier.hint.encode(), publisher.verifier.hint.encode()
        ),
        "certificate-expired": sign(statement, certified, der([root.issue(public, days=0)])),
        "certificate-of-another-root": sign(statement, certified, der([Authority().issue(public, days=36500)])),
        "certificate-not-for-signing": sign(statement, certified, der([root.issue(public, days=36500, signs=False)])),
        "over-another-file": sign(write_statement("tiny", [Resource(name="tiny.gguf", digest=OTHER)]), publisher),
        "over-a-file-more": sign(write_statement("tiny", [FILE, Resource(name="other.json", digest=OTHER)]), publisher),
        "over-another-manifest": sign(
            write_statement("tiny", [FILE, Resource(name="freehold-manifest.json", digest=OTHER)]), publisher
        ),
        "over-no-file": sign(write_statement("tiny", []), publisher),
        "over-the-file-under-another-name": sign(
            write_statement("tiny", [Resource(name="other.gguf", digest=DIGEST)]), publisher
        ),
        "signature-cut-off": sound[: len(sound) // 2],
        "signature-of-nothing": sound.replace(json.loads(sound)["dsseEnvelope"]["signatures"][0]["sig"].encode(), b""),
        "payload-changed": sound.replace(
            json.loads(sound)["dsseEnvelope"]["payload"].encode(),
            json.loads(sign(write_statement("tinY", [FILE]), stranger))["dsseEnvelope"]["payload"].encode(),
        ),
    }


def main() -> None:
    publisher, root = signer(), Authority(days=36500)
    papers = {f"manifests/{name}.json": content for name, content in manifests().items()}
    papers |= {f"signatures/{name}.sig": content for name, content in signatures(publisher, root).items()}
    papers |= {"publisher.pem": publisher.verifier.pem, "root.pem": root.certificate.public_bytes(Encoding.PEM)}
    for path, content in papers.items():
        (PAPERS / path).parent.mkdir(parents=True, exist_ok=True)
        (PAPERS / path).write_bytes(content)


if __name__ == "__main__":
    main()
