"""qemu-ga, the harness's own hand inside the guest. It shares no port and no code with vireod."""

from __future__ import annotations

import base64
import itertools
import json
import time
from pathlib import Path
from typing import Any, NamedTuple

from deadline import Deadline
from line_socket import LineSocket

STATUS_INTERVAL_SECONDS = 0.02


class QemuGuestAgentError(RuntimeError):
    """qemu-ga refused a command."""


class Completed(NamedTuple):
    """How a command in the guest ended. `exit_status` is 128 + N when signal N ended it."""

    exit_status: int
    stdout: str
    stderr: str


class QemuGuestAgent:
    """Runs commands in the guest through guest-exec."""

    def __init__(self, path: Path) -> None:
        self._lines = LineSocket(path)
        self._synchronizations = itertools.count(1)

    def synchronize(self, timeout_seconds: float) -> None:
        """Returns once qemu-ga answers, which also proves that systemd has started it."""
        deadline = Deadline(timeout_seconds)
        while True:
            number = next(self._synchronizations)
            # 0xFF makes qemu-ga drop half a request that an earlier client may have left behind.
            request = {"execute": "guest-sync-delimited", "arguments": {"id": number}}
            self._lines.send(b"\xff" + json.dumps(request).encode() + b"\n")
            try:
                # Requests that wait while the guest boots are all answered at once, with an error
                # for each 0xFF that met no half request: read up to the answer to the last one, so
                # that no later command takes an old answer for its own.
                while self._message(min(1.0, deadline.remaining_seconds)).get("return") != number:
                    pass
                return
            except TimeoutError:
                if deadline.has_passed:
                    raise TimeoutError(f"no qemu-ga within {timeout_seconds} s") from None

    def execute(self, command: str, timeout_seconds: float = 10.0, **arguments: Any) -> Any:
        named = {name.replace("_", "-"): value for name, value in arguments.items()}
        request = {"execute": command, "arguments": named}
        self._lines.send(json.dumps(request).encode() + b"\n")
        return self._answer(timeout_seconds)

    def start(self, arguments: list[str], standard_input: bytes = b"") -> int:
        """The process id in the guest."""
        extra = {}
        if standard_input:
            extra["input_data"] = base64.b64encode(standard_input).decode()
        return self.execute(
            "guest-exec", path=arguments[0], arg=arguments[1:], capture_output=True, **extra
        )["pid"]

    def wait(self, process: int, timeout_seconds: float) -> Completed:
        """A process that outlives its time-out is killed, so that no test inherits it."""
        deadline = Deadline(timeout_seconds)
        while True:
            status = self.execute("guest-exec-status", pid=process)
            if status["exited"]:
                return _completed(status)
            if deadline.has_passed:
                self.start(["/bin/kill", "-KILL", str(process)])
                raise TimeoutError(f"guest process {process} ran longer than {timeout_seconds} s")
            time.sleep(STATUS_INTERVAL_SECONDS)

    def close(self) -> None:
        self._lines.close()

    def _answer(self, timeout_seconds: float) -> Any:
        message = self._message(timeout_seconds)
        if "error" in message:
            raise QemuGuestAgentError(message["error"]["desc"])
        return message["return"]

    def _message(self, timeout_seconds: float) -> dict[str, Any]:
        return json.loads(self._lines.receive_line(timeout_seconds).lstrip(b"\xff"))


def _completed(status: dict[str, Any]) -> Completed:
    exit_status = status.get("exitcode")
    if exit_status is None:
        exit_status = 128 + status["signal"]
    return Completed(
        exit_status,
        base64.b64decode(status.get("out-data", "")).decode(errors="replace"),
        base64.b64decode(status.get("err-data", "")).decode(errors="replace"),
    )
