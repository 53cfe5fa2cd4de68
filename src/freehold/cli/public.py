# SPDX-License-Identifier: Apache-2.0
"""The command line as a client of the public API: a connection, and a key that lives no longer than the command."""

import http.client
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from freehold.admin.client import AdminClient
from freehold.contract.estate import Estate
from freehold.settings import read_settings


def connect(estate: Estate, base_url: str, *, silence_s: float) -> http.client.HTTPConnection:
    """Gives up after ``silence_s`` without a byte. Where there is TLS, the estate's own certificate is trusted."""
    parts = urlsplit(base_url)
    host, port = parts.hostname or "", parts.port
    if parts.scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=silence_s)
    trusted = ssl.create_default_context(cafile=str(estate.directory / read_settings(estate.settings).listen.tls_cert))
    trusted.check_hostname = False  # whatever name it is made out to: it is reached by its address here
    return http.client.HTTPSConnection(host, port, timeout=silence_s, context=trusted)


@contextmanager
def passing_key(admin: AdminClient, label: str, *, lives_s: float, services: list[str] | None = None) -> Iterator[str]:
    """The secret of a key that is revoked at the end, and expires if that does not come."""
    limits: dict[str, object] = {"services": services} if services else {}
    key = admin.post("keys", {"label": label, "expires_in_s": lives_s, **limits})["key"]
    try:
        yield key["secret"]
    finally:
        admin.post(f"keys/{key['id']}/revoke")
