"""The host's end of the agent's port."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from deadline import Deadline
from line_socket import LineSocket

Message = dict[str, Any]

HANDSHAKE_REQUEST = {"type": "handshake_request"}


class HostEnd:
    """A host that is attached from construction to `leave()`.

    Written from protocol.md alone. A line that is not a JSON object is kept in `malformed` and not
    raised: the first line of a session may be the tail of a frame that an earlier host never read.
    """

    def __init__(self, path: Path) -> None:
        self._lines = LineSocket(path)
        self.malformed: list[bytes] = []
        self.blank_lines = 0

    def __enter__(self) -> HostEnd:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def send_bytes(self, data: bytes, timeout_seconds: float = 10.0) -> None:
        self._lines.send(data, timeout_seconds)

    def send_some(self, data: bytes, timeout_seconds: float) -> int:
        """One send(2): bytes taken, 0 when the socket stayed full for so long."""
        return self._lines.send_some(data, timeout_seconds)

    def send_line(self, line: bytes | str, timeout_seconds: float = 10.0) -> None:
        data = line.encode() if isinstance(line, str) else line
        self._lines.send(data + b"\n", timeout_seconds)

    def send_message(self, message: Message, timeout_seconds: float = 10.0) -> None:
        self.send_line(json.dumps(message, separators=(",", ":")), timeout_seconds)

    def greet(self) -> None:
        """What a host of ours sends first; a plain host sends nothing."""
        self.send_line("")
        self.send_message(HANDSHAKE_REQUEST)

    def receive_bytes(self, timeout_seconds: float) -> bytes:
        return self._lines.receive_some(timeout_seconds)

    def receive_at_most(self, bytes_max: int | None, timeout_seconds: float) -> bytes:
        """What is there, and the rest stays where it is: in the socket, not here."""
        return self._lines.receive_some(timeout_seconds, bytes_max)

    def receive_line(self, timeout_seconds: float) -> bytes:
        return self._lines.receive_line(timeout_seconds)

    def receive_message(self, timeout_seconds: float) -> Message:
        """The next whole message; blank lines are counted, malformed ones kept aside."""
        deadline = Deadline(timeout_seconds)
        while True:
            line = self._lines.receive_line(deadline.remaining_seconds)
            if not line:
                self.blank_lines += 1
                continue
            try:
                message = json.loads(line)
            except ValueError:
                message = None
            if isinstance(message, dict):
                return message
            self.malformed.append(line)

    def wait_for(self, kind: str, timeout_seconds: float) -> Message:
        """The next message of this `type`; those before it are passed over."""
        deadline = Deadline(timeout_seconds)
        passed_over: list[Any] = []
        while True:
            try:
                message = self.receive_message(deadline.remaining_seconds)
            except TimeoutError as error:
                raise TimeoutError(
                    f"no {kind!r} within {timeout_seconds} s; saw {passed_over}, "
                    f"{len(self.malformed)} malformed lines; {error}"
                ) from None
            if message.get("type") == kind:
                return message
            passed_over.append(message.get("type"))

    def leave(self) -> None:
        """Closes with whatever is unread, as a host that crashes does."""
        self._lines.close()


def last_handshake(host: HostEnd) -> Message:
    """One comes for the host's arrival and one for its question, which may take the first's place."""
    handshake = host.wait_for("handshake", timeout_seconds=20)
    try:
        return host.wait_for("handshake", timeout_seconds=1)
    except TimeoutError:
        return handshake
