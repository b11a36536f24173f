"""A host that acknowledges, written from protocol.md alone: it keeps every numbered message by epoch
and number, and finds fault with each that it may not see."""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

from line_socket import LineSocket, PeerClosed

WINDOWS = (4096, 65_536, 262_144, 1_048_576)


@dataclass
class Tally:
    """What happened, over all connections."""

    connections: int = 0
    # Connections that ended with numbers given out that this host had not seen: their bytes, as far
    # as they had been written, were lost.
    losing_drops: int = 0
    # Connections that ended in the middle of a line.
    cut_lines: int = 0
    repeated: int = 0
    half_lines: int = 0
    # Connections that the guest did not hear of.
    unseen: int = 0
    # Numbers that came before the connection's first handshake.
    discarded: int = 0
    skipped_numbers: int = 0
    # Seconds from each attachment to the first new or repeated number.
    recoveries: list[float] = field(default_factory=list)

    def recovery(self, quantile: float) -> float:
        ordered = sorted(self.recoveries)
        return ordered[min(len(ordered) - 1, int(quantile * len(ordered)))]


class Fault(AssertionError):
    """Something came that the protocol forbids."""


class AcknowledgingHost:
    """`rows[epoch]` has what came, as it came; the number of a row is its place, from 1."""

    def __init__(self, path: Path, seed: int, asks: bool = False) -> None:
        self.path = path
        self.random = random.Random(seed)
        self.asks = asks
        self.windows = WINDOWS
        # Acknowledges each so many numbers; a connection chooses one of these.
        self.laziness = (1, 3, 20, 1000)
        self.rows: dict[str, list[bytes | None]] = {}
        self.acknowledged: dict[str, int] = {}
        self.sessions: dict[str, int] = {}
        self.tally = Tally()
        self.epoch: str | None = None
        # Called once, in the middle of the next connection, with what has come by then unread.
        self.meanwhile: Callable[[], None] | None = None

    @property
    def count(self) -> int:
        return sum(len(rows) for rows in self.rows.values())

    def play(self, seconds: float, bytes_max: float, stays_lazy: bool = True) -> None:
        """One connection: greets, acknowledges lazily, leaves with whatever is unread.

        QEMU forgets to tell a guest of an arrival while 32 of its changes are unread, so a host that
        is not greeted attaches once more, as one of ours does.
        """
        if not self._connect(seconds, bytes_max, stays_lazy):
            self.tally.unseen += 1
            if not self._connect(seconds, bytes_max, stays_lazy):
                raise Fault("no handshake within 10 s of attaching, twice")

    def _connect(self, seconds: float, bytes_max: float, stays_lazy: bool) -> bool:
        lines = LineSocket(self.path)
        try:
            return self._play(lines, seconds, bytes_max, stays_lazy)
        except PeerClosed:
            return True
        finally:
            if lines.held_bytes:
                self.tally.cut_lines += 1
            lines.close()

    def _play(
        self, lines: LineSocket, seconds: float, bytes_max: float, stays_lazy: bool
    ) -> bool:
        self.tally.connections += 1
        self.epoch = None
        self._attached = time.monotonic()
        self._heard_number = False
        self._since = 0
        self._every = self.random.choice(self.laziness) if stays_lazy else 1
        lines.send(b'\n{"type":"handshake_request"}\n')
        received = 0
        started = time.monotonic()
        deadline = started + seconds
        patience = time.monotonic() + 10
        # What was meant for the host before may come first, and may be more than `bytes_max`.
        while received < bytes_max or self.epoch is None:
            now = time.monotonic()
            if self.meanwhile and self._heard_number and now >= started + seconds / 2:
                act, self.meanwhile = self.meanwhile, None
                act()
                deadline = time.monotonic() + seconds / 2
            if now >= deadline and (self.epoch is not None or now >= patience):
                return self.epoch is not None
            try:
                line = lines.receive_line(0.05)
            except TimeoutError:
                continue
            received += len(line) + 1
            if line:
                self._take(lines, line)
        return self.epoch is not None

    def _take(self, lines: LineSocket, line: bytes) -> None:
        try:
            message = json.loads(line)
        except ValueError:
            self.tally.half_lines += 1
            return
        kind = message.get("type")
        if kind == "handshake":
            self._answer(lines, message)
        elif kind == "skipped":
            self._skip(message)
        elif "seq" in message:
            self._note(lines, message, line)

    def _answer(self, lines: LineSocket, handshake: dict) -> None:
        epoch, session = handshake["epoch"], handshake["session"]
        if session <= self.sessions.get(epoch, 0):
            raise Fault(f"session {session} again")
        self.sessions[epoch] = session
        rows = self.rows.setdefault(epoch, [])
        for first, last in handshake["gaps"]:
            self._pass(rows, first, last)
        if handshake["first"] > len(rows) + 1:
            raise Fault(f"{handshake['first']} is kept, and only {len(rows)} are here")
        if handshake["next"] - 1 > len(rows) and self.epoch is None:
            self.tally.losing_drops += 1
        # Now and then it says that it has less than it has: what was stored and not told.
        told = self.acknowledged.get(epoch, 0)
        received = self.random.choice((len(rows), told))
        self.acknowledged[epoch] = received
        lines.send(json.dumps({
            "type": "handshake_ack", "epoch": epoch, "session": session, "received": received,
            "window": self.random.choice(self.windows), "capabilities": ["ack"],
        }).encode() + b"\n")
        self.epoch = epoch
        if self.asks:
            lines.send(b'{"type":"Metrics"}\n')

    def _skip(self, message: dict) -> None:
        rows = self.rows[message["epoch"]]
        if message["from"] > len(rows) + 1:
            raise Fault(f"skipped from {message['from']}, and only {len(rows)} are here")
        self._pass(rows, message["from"], message["to"])

    def _pass(self, rows: list[bytes | None], first: int, last: int) -> None:
        if first <= len(rows) + 1:
            missing = last - len(rows)
            rows.extend([None] * max(0, missing))
            self.tally.skipped_numbers += max(0, missing)

    def _note(self, lines: LineSocket, message: dict, line: bytes) -> None:
        if self.epoch is None:
            # What the agent wrote before it saw that the last host left goes to the next one.
            self.tally.discarded += 1
            return
        if message["epoch"] != self.epoch:
            raise Fault("a number of another epoch than the handshake's")
        rows, number = self.rows[self.epoch], message["seq"]
        if not self._heard_number:
            self._heard_number = True
            self.tally.recoveries.append(time.monotonic() - self._attached)
        if number <= len(rows):
            self.tally.repeated += 1
            if rows[number - 1] not in (None, line):
                raise Fault(f"number {number} came with other bytes")
        elif number == len(rows) + 1:
            rows.append(line)
        else:
            raise Fault(f"number {number} came after {len(rows)}")
        self._since += 1
        if self._since >= self._every:
            self._since = 0
            self.acknowledged[self.epoch] = max(self.acknowledged[self.epoch], number)
            lines.send(json.dumps(
                {"type": "ack", "epoch": self.epoch, "seq": number}).encode() + b"\n")
        if self.asks:
            lines.send(b'{"type":"Metrics"}\n')
