# SPDX-License-Identifier: Apache-2.0
"""A provider for tests: an endpoint at a real server on this machine, a target of it, and decisions about it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from freehold.contract.backend import BackendKind, Model, Target
from freehold.contract.call import Dialect
from freehold.contract.decision import Decision, Verdict
from freehold.contract.endpoint import AnswerLimits, Endpoint
from freehold.contract.snapshot import Snapshot
from freehold.dialect.interface import Upstream, Wire
from freehold.egress.dialler import AddressInfo

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PROVIDER = "paris"
TARGET = Target(
    name="there", kind=BackendKind.PROVIDER, model=Model(name="m-1", digest=""), operator=PROVIDER, authorities=("FR",)
)
ALLOWED = Decision(
    id="dec_1",
    verdicts=(Verdict(target="there", allowed=True, rules=("open",)),),
    policy_digest="sha256:0",
    facts_digest="sha256:0",
)
FORBIDDEN = Decision(
    id="dec_2",
    verdicts=(Verdict(target="there", allowed=False, rules=()),),
    policy_digest="sha256:0",
    facts_digest="sha256:0",
)


def endpoint(base_url: str, *, dialects: tuple[Dialect, ...] = (Dialect.OPENAI,), **more: Any) -> Endpoint:
    """One on this machine, unless a test says otherwise."""
    return Endpoint(**{"provider": PROVIDER, "dialects": dialects, "base_url": base_url, "allow_private": True, **more})


def limits(**more: float) -> AnswerLimits:
    return AnswerLimits(**more)  # type: ignore[arg-type]  # shorthand: one of them is an int


def snapshot(*endpoints: Endpoint, targets: tuple[Target, ...] = (TARGET,)) -> Snapshot:
    return Snapshot(version=1, targets=targets, endpoints=endpoints)


def upstream(wire: Wire = Wire.CHAT, *, stream: bool = False, body: bytes = b'{"model":"m-1"}') -> Upstream:
    return Upstream(wire=wire, body=body, stream=stream)


class Serving:
    """Where a server listens, and what reached it."""

    def __init__(self) -> None:
        self.port = 0
        self.asked: list[web.Request] = []
        self.connections: set[object] = set()

    def url(self, path: str = "/v1", *, host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"


@asynccontextmanager
async def serving(handler: Handler, *, tls: Any = None) -> AsyncIterator[Serving]:
    """A server on loopback that answers every POST with what the handler makes of it."""
    there = Serving()

    async def handle(request: web.Request) -> web.StreamResponse:
        there.asked.append(request)
        there.connections.add(request.transport)
        await request.read()
        return await handler(request)

    app = web.Application(client_max_size=2**26)
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    there.port = runner.addresses[0][1]
    try:
        yield there
    finally:
        for _ in range(10):  # turns of the loop, in which it sees who has hung up
            await asyncio.sleep(0)
        await runner.cleanup()


@asynccontextmanager
async def speaking(*words: bytes) -> AsyncIterator[Serving]:
    """A server that says exactly these bytes to whoever sends it anything, and hangs up."""
    there = Serving()

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there.connections.add(writer)
        await reader.readuntil(b"\r\n\r\n")
        for word in words:
            writer.write(word)
        writer.close()

    server = await asyncio.start_server(say, "127.0.0.1", 0)
    there.port = server.sockets[0].getsockname()[1]
    async with server:
        yield there


def looking_up(*answers: Sequence[str]) -> Callable[[str, int], Awaitable[Sequence[AddressInfo]]]:
    """A resolver that gives these addresses, another answer each time; the last one for ever."""
    left = list(answers)

    async def look_up(host: str, port: int) -> Sequence[AddressInfo]:
        addresses = left.pop(0) if len(left) > 1 else left[0]
        return [_info(address, port) for address in addresses]

    return look_up


async def never_look_up(host: str, port: int) -> Sequence[AddressInfo]:
    raise AssertionError(f"{host} was resolved")


def certificate(folder: Path, host: str) -> tuple[Path, Path, Path]:
    """Files of an authority, and of a certificate with its key for a host that the authority signed."""
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _signed(
        "authority", authority_key.public_key(), "authority", authority_key, x509.BasicConstraints(True, None)
    )
    leaf = _signed(host, key.public_key(), "authority", authority_key, _names(host))
    paths = folder / "ca.pem", folder / "cert.pem", folder / "key.pem"
    pem = serialization.Encoding.PEM
    paths[0].write_bytes(authority.public_bytes(pem))
    paths[1].write_bytes(leaf.public_bytes(pem))
    plain = serialization.NoEncryption()
    paths[2].write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return paths


def _names(host: str) -> x509.SubjectAlternativeName:
    try:
        return x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))])
    except ValueError:
        return x509.SubjectAlternativeName([x509.DNSName(host)])


def _signed(
    name: str, key: ec.EllipticCurvePublicKey, by: str, by_key: ec.EllipticCurvePrivateKey, more: x509.ExtensionType
) -> x509.Certificate:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, by)]))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(more, critical=isinstance(more, x509.BasicConstraints))
        .add_extension(_usage(signs=isinstance(more, x509.BasicConstraints)), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by_key.public_key()), critical=False)
        .sign(by_key, hashes.SHA256())
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    """With the two identifiers what RFC 5280 asks of a certificate, and CPython from 3.13 on."""
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _info(address: str, port: int) -> AddressInfo:
    version_6 = ":" in address
    family = socket.AF_INET6 if version_6 else socket.AF_INET
    place = (address, port, 0, 0) if version_6 else (address, port)
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", place
