# SPDX-License-Identifier: Apache-2.0
"""Models of several files, keys, certificates and signatures for the tests of the vault."""

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from freehold.signing.elliptic import EllipticSigner
from freehold.vault.arrival import Arrival, FoundSignature, Offer
from freehold.vault.fetching import Delivery
from freehold.vault.pins import Pin
from freehold.vault.sources import Source, WeightsFile, open_file

AT = datetime(2026, 11, 22, 14, 38, 5, tzinfo=UTC)
TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"


def signer(curve: ec.EllipticCurve | None = None) -> EllipticSigner:
    return EllipticSigner(ec.generate_private_key(curve or ec.SECP256R1()))


def safetensors(*numbers: float, name: str = "w") -> bytes:
    """A sound file with one tensor."""
    row = {"dtype": "F32", "shape": [len(numbers)], "data_offsets": [0, 4 * len(numbers)]}
    header = json.dumps({name: row}).encode()
    return struct.pack("<Q", len(header)) + header + struct.pack(f"<{len(numbers)}f", *numbers)


def model_files() -> dict[str, bytes]:
    """A sound model of several files, in folders."""
    config = {"model_type": "llama", "max_position_embeddings": 128, "architectures": ["LlamaForCausalLM"]}
    return {
        "README.md": b"---\nlicense: mit\n---\n",
        "config.json": json.dumps(config).encode(),
        "model-00001-of-00002.safetensors": safetensors(1.0, 2.0, name="a"),
        "model-00002-of-00002.safetensors": safetensors(3.0, 4.0, 5.0, name="b"),
        "model.safetensors.index.json": json.dumps(
            {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
        ).encode(),
        "tokenizer.json": b"{}",
        "tokenizer_config.json": json.dumps({"chat_template": TEMPLATE}).encode(),
    }


def write_files(folder: Path, files: Mapping[str, bytes]) -> Path:
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return folder


class FolderResolver:
    """Resolves the path of a folder to all that lies in it, but for ``model.sig``, which is a signature."""

    @contextmanager
    def __call__(self, source: Source, pin: Pin | None, delivery: Delivery) -> Iterator[Arrival]:
        assert isinstance(source, WeightsFile)
        paths = sorted(path for path in source.path.rglob("*") if path.is_file())
        found = [path for path in paths if path == source.path / "model.sig"]
        yield Arrival(
            files=tuple(_offer(source.path, path) for path in paths if path not in found),
            repository="example.org/llama",
            revision="r1",
            signatures=tuple(FoundSignature(content=path.read_bytes(), place=str(path)) for path in found),
        )


def _offer(folder: Path, path: Path) -> Offer:
    place = str(path.relative_to(folder))
    return Offer(path=place, size_bytes=path.stat().st_size, open=lambda: open_file(path))


class Authority:
    """Issues certificates. ``days`` is how long they hold, from a day before ``AT`` on."""

    def __init__(self, name: str = "root", *, of: "Authority | None" = None, days: int = 365, ca: bool = True) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        issuer = of or self
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = _certificate(self.name, self.key.public_key(), issuer.name, issuer.key, days=days, ca=ca)

    def issue(self, key: ec.EllipticCurvePublicKey, *, days: int = 365, signs: bool = True) -> x509.Certificate:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "signer")])
        return _certificate(name, key, self.name, self.key, days=days, ca=False, signs=signs)


def der(certificates: Sequence[x509.Certificate]) -> tuple[bytes, ...]:
    return tuple(certificate.public_bytes(Encoding.DER) for certificate in certificates)


def _certificate(
    name: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    days: int,
    ca: bool,
    signs: bool = True,
) -> x509.Certificate:
    usage = x509.KeyUsage(
        digital_signature=signs and not ca,
        content_commitment=False,
        key_encipherment=not signs,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(AT - timedelta(days=1))
        .not_valid_after(AT + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(issuer_key, hashes.SHA256())
    )
