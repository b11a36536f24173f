"""QEMU's monitor: commands to the machine itself, and the events that it reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

from deadline import Deadline
from line_socket import LineSocket

Event = dict[str, Any]


class MonitorError(RuntimeError):
    """QEMU refused a command."""


class Monitor:
    """QMP over its Unix socket. Events that arrive during a command are kept, not lost."""

    def __init__(self, path: Path) -> None:
        self._lines = LineSocket(path)
        self._lines.receive_line(timeout_seconds=10)
        self._events: list[Event] = []
        self.execute("qmp_capabilities")

    def execute(self, command: str, timeout_seconds: float = 10.0, **arguments: Any) -> Any:
        """The command's `return`; an underscore in an argument's name stands for QMP's dash."""
        named = {name.replace("_", "-"): value for name, value in arguments.items()}
        request = {"execute": command, "arguments": named}
        self._lines.send(json.dumps(request).encode() + b"\n")
        deadline = Deadline(timeout_seconds)
        while True:
            message = json.loads(self._lines.receive_line(deadline.remaining_seconds))
            if "return" in message:
                return message["return"]
            if "error" in message:
                raise MonitorError(f"{command}: {message['error']['desc']}")
            self._events.append(message)

    def wait_for_event(
        self, name: str, matches: Callable[[Any], bool], timeout_seconds: float
    ) -> Any:
        """The `data` of the first event with this name that matches; the others stay kept."""
        deadline = Deadline(timeout_seconds)
        seen = 0
        while True:
            while seen < len(self._events):
                event = self._events[seen]
                if event["event"] == name and matches(event.get("data", {})):
                    del self._events[seen]
                    return event.get("data", {})
                seen += 1
            line = self._lines.receive_line(deadline.remaining_seconds)
            self._events.append(json.loads(line))

    def close(self) -> None:
        self._lines.close()
