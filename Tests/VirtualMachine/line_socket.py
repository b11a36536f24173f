"""Newline-terminated lines over a Unix stream socket, with a time-out on every wait."""

from __future__ import annotations

import select
import socket
import time
from pathlib import Path

from deadline import Deadline

RECEIVE_BYTES = 1 << 18
CONNECT_RETRY_SECONDS = 0.02


class PeerClosed(ConnectionError):
    """The other end closed the socket."""


class LineSocket:
    """The client's side. QEMU's monitor, qemu-ga and the ports all look like this from the host.

    The socket never blocks in `send` or `recv`: a wait is always a poll with the time that is left,
    so a guest that hangs costs its time-out and never the test run.
    """

    def __init__(self, path: Path | str, connect_timeout_seconds: float = 5.0) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._received = bytearray()
        self._scanned_bytes = 0
        self._socket.setblocking(False)
        try:
            self._connect(str(path), Deadline(connect_timeout_seconds))
        except OSError:
            self._socket.close()
            raise

    def send(self, data: bytes, timeout_seconds: float = 10.0) -> None:
        """All of `data`, or TimeoutError; what was sent by then stays sent."""
        deadline = Deadline(timeout_seconds)
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except BlockingIOError:
                if not self._wait(select.POLLOUT, deadline):
                    raise TimeoutError(f"{len(rest)} of {len(data)} bytes unsent") from None

    def send_some(self, data: bytes, timeout_seconds: float) -> int:
        """One send(2): bytes taken, 0 when there was no room for so long."""
        for _ in range(2):
            try:
                return self._socket.send(data)
            except BlockingIOError:
                # Room for one more may be there without a poll's saying so: it waits for 3/4.
                self._wait(select.POLLOUT, Deadline(timeout_seconds))
        return 0

    def receive_some(self, timeout_seconds: float, bytes_max: int | None = None) -> bytes:
        """What is there, at least one byte: for tests that care about bytes and not about lines.

        `bytes_max` leaves the rest in the socket, where it takes up the sender's room.
        """
        if not self._received:
            self._fill(Deadline(timeout_seconds), bytes_max or RECEIVE_BYTES)
        data = bytes(self._received)
        self._received.clear()
        self._scanned_bytes = 0
        return data

    def receive_line(self, timeout_seconds: float) -> bytes:
        """One whole line without its newline. A time-out keeps what has arrived of it."""
        deadline = Deadline(timeout_seconds)
        while True:
            end = self._received.find(b"\n", self._scanned_bytes)
            if end >= 0:
                line = bytes(self._received[:end])
                del self._received[: end + 1]
                self._scanned_bytes = 0
                return line
            # A line of 1 MiB arrives in some 256 pieces; searching each byte once keeps it linear.
            self._scanned_bytes = len(self._received)
            self._fill(deadline)

    @property
    def held_bytes(self) -> int:
        """Bytes of a line whose end has not come."""
        return len(self._received)

    def close(self) -> None:
        self._socket.close()

    def _connect(self, path: str, deadline: Deadline) -> None:
        while True:
            try:
                self._socket.connect(path)
                return
            except BlockingIOError:
                # A Unix socket has no connect in progress: the listener's backlog is full, as
                # QEMU's is when one client is served and another one waits.
                if deadline.has_passed:
                    raise TimeoutError(f"{path}: others are attached and waiting") from None
                time.sleep(CONNECT_RETRY_SECONDS)

    def _fill(self, deadline: Deadline, bytes_max: int = RECEIVE_BYTES) -> None:
        while True:
            try:
                piece = self._socket.recv(bytes_max)
            except BlockingIOError:
                if not self._wait(select.POLLIN, deadline):
                    raise TimeoutError(
                        f"no whole line; {len(self._received)} bytes of one so far"
                    ) from None
                continue
            if not piece:
                raise PeerClosed(f"end of stream with {len(self._received)} bytes of a line")
            self._received += piece
            return

    def _wait(self, events: int, deadline: Deadline) -> bool:
        poll = select.poll()
        poll.register(self._socket, events)
        return bool(poll.poll(deadline.remaining_seconds * 1000))
