# SPDX-License-Identifier: Apache-2.0
"""Bodies of 200 MB: refused with 413 before they are read whole, however they are sent."""

import select
import socket
from collections.abc import Iterator

from tests.system.estates import Estate
from tests.system.wire import CHAT, MESSAGES, Answer, chat, dialled, head, post, read_answer

SIZE = 200 * 2**20
LIMIT = 32 * 2**20
KERNEL = 16 * 2**20  # what may lie in the buffers of two sockets
PIECE = b" " * 2**16


def test_an_announced_body_is_refused_before_any_of_it_is_read(estate: Estate) -> None:
    with dialled(estate) as connection:
        connection.sendall(head(estate, CHAT, f"content-length: {SIZE}"))
        sent, answer = _send_until_answered(connection, iter(lambda: PIECE, None))
    assert answer.status == 413
    assert answer.json["error"]["code"] == "request_too_large"
    assert answer.headers["x-request-id"]
    assert sent < KERNEL


def test_a_body_of_unknown_length_is_refused_at_the_limit(estate: Estate) -> None:
    with dialled(estate) as connection:
        connection.sendall(head(estate, MESSAGES, "transfer-encoding: chunked"))
        chunk = b"%x\r\n%s\r\n" % (len(PIECE), PIECE)
        sent, answer = _send_until_answered(connection, iter(lambda: chunk, None))
    assert answer.status == 413
    assert answer.json["error"]["type"] == "request_too_large"
    assert LIMIT <= sent < LIMIT + KERNEL


def test_a_length_that_is_no_number_is_refused(estate: Estate) -> None:
    with dialled(estate) as connection:
        connection.sendall(head(estate, CHAT, "content-length: many"))
        assert read_answer(connection).status == 400


def test_a_body_under_the_limit_is_read_whole(estate: Estate) -> None:
    answer = post(estate, CHAT, chat(padding=" " * (LIMIT - 2**20)))
    assert answer.status == 200


def _send_until_answered(connection: socket.socket, pieces: Iterator[bytes]) -> tuple[int, Answer]:
    """Send until an answer begins. Returns how many bytes the other side, and the kernel between, took."""
    sent = 0
    connection.setblocking(False)
    rest = b""
    while sent < SIZE:
        readable, writable, _ = select.select([connection], [connection], [], 60)
        assert readable or writable, "neither read nor answered"
        if readable:
            break
        rest = rest or next(pieces)
        taken = connection.send(rest)
        sent, rest = sent + taken, rest[taken:]
    connection.setblocking(True)
    return sent, read_answer(connection)
