"""Plays a script of Tests/Fixtures/port-scripts on the real port, and compares what it sees.

The same file is played on the simulator's model of the port, by PortScriptTests in
Tests/SimulationTests: that is what says that the model is one. Fixtures/port-scripts/README.md
has the steps.
"""

from __future__ import annotations

import errno
import json
import time
from pathlib import Path
from typing import Any, Callable

from deadline import Deadline
from host import HostEnd
from machine import Guest
from probe import HUP, IN, OUT, Probe

FOLDER = Path(__file__).resolve().parent.parent / "Fixtures" / "port-scripts"

# What the guest has not heard of yet it says wrongly: a step that expects a change is tried until
# it is there, one that expects none waits this long.
SETTLE_SECONDS = 0.4
CHANGE_TIMEOUT_SECONDS = 20.0
SHORT_SETTLE_SECONDS = 0.15
QUIET_SECONDS = 1.0

Step = dict[str, Any]


class Mismatch(AssertionError):
    """A step saw something else; the text has the step, and what was seen."""


def load(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{name}.json").read_text())


def names() -> list[str]:
    """Those that use up the guest are last."""
    every = (path.stem for path in FOLDER.glob("*.json"))
    return sorted(every, key=lambda name: (is_long(name), name))


def is_long(name: str) -> bool:
    return any(step["do"] == "repeat" for step in load(name)["steps"])


class PortScript:
    """One run. `observations` has what every step saw, whether or not the script asks."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        self._probe = Probe(guest)
        self._descriptors: dict[str, int] = {}
        self._host: HostEnd | None = None
        self._known: dict[str, Any] = {}
        self._is_plugged = True
        self.observations: list[Any] = []

    def play(self, steps: list[Step]) -> None:
        self._play(steps, SETTLE_SECONDS)

    def _play(self, steps: list[Step], settle_seconds: float) -> None:
        for index, step in enumerate(steps):
            if step["do"] == "repeat":
                for _ in range(step["times"]):
                    self._play(step["steps"], SHORT_SETTLE_SECONDS)
                continue
            time.sleep(settle_seconds)
            seen = self._observe(step)
            self.observations.append(seen)
            if not self._fits(step, seen):
                raise Mismatch(f"step {index}, {json.dumps(step)}: saw {seen!r}")
            if "as" in step:
                self._known[step["as"]] = seen["gives"]

    def end(self) -> None:
        """Leaves the port as it was found: plugged in, closed and without a host."""
        self._guest.detach_all()
        if not self._is_plugged:
            self._guest.plug_port()
        self._probe.end()

    def _observe(self, step: Step) -> dict[str, Any]:
        """The last of as many tries as it takes, for a step that can be tried again."""
        verb = getattr(self, "_" + step["do"].replace(".", "_"))
        if step["do"] not in ("guest.open", "guest.poll", "guest.read", "guest.write"):
            return verb(step)
        deadline = Deadline(CHANGE_TIMEOUT_SECONDS)
        while True:
            seen = verb(step)
            # Bytes that were taken cannot be given back: only a refusal is asked again.
            is_final = step["do"] != "guest.poll" and isinstance(seen["gives"], int) \
                and seen["gives"] > 0
            if is_final or self._fits(step, seen) or deadline.has_passed:
                return seen
            if step["do"] == "guest.open" and seen["gives"] == "OK":
                return seen
            time.sleep(0.05)

    def _fits(self, step: Step, seen: dict[str, Any]) -> bool:
        if "text" in step and step["do"] != "host.send" and seen.get("text") != step["text"]:
            return False
        if "gives" not in step:
            return True
        expected, value = step["gives"], seen["gives"]
        if isinstance(expected, list):
            return isinstance(value, int) and expected[0] <= value <= expected[1]
        if isinstance(expected, str) and expected.startswith("$"):
            name, _, less = expected[1:].partition("-")
            return value == self._known[name] - int(less or 0)
        return value == expected

    # The guest.

    def _guest_open(self, step: Step) -> dict[str, Any]:
        def attempt() -> str:
            self._descriptors[step.get("fd", "port")] = self._probe.open()
            return "OK"

        return _answer(attempt)

    def _guest_close(self, step: Step) -> dict[str, Any]:
        self._probe.close(self._descriptors.pop(step.get("fd", "port")))
        return {"gives": "OK"}

    def _guest_kill(self, _: Step) -> dict[str, Any]:
        self._probe.kill()
        self._descriptors.clear()
        self._probe = Probe(self._guest)
        return {"gives": "OK"}

    def _guest_write(self, step: Step) -> dict[str, Any]:
        return _answer(lambda: self._probe.write(self._fd(step), step["bytes"]))

    def _guest_line(self, step: Step) -> dict[str, Any]:
        taken, stopped_by = self._probe.write_lines(self._fd(step), step["bytes"], count=1)
        return {"gives": errno.errorcode[stopped_by] if stopped_by else taken}

    def _guest_fill(self, step: Step) -> dict[str, Any]:
        """Until it stays full, as QEMU still drains at the first EAGAIN; or so many times."""
        if "times" in step:
            taken, stopped_by = self._probe.write_lines(
                self._fd(step), step["bytes"], step["times"]
            )
            return {"gives": errno.errorcode[stopped_by] if stopped_by else taken}
        total = 0
        deadline = Deadline(60)
        while not deadline.has_passed:
            taken, stopped_by = self._probe.write_lines(
                self._fd(step), step["bytes"], count=100_000
            )
            if stopped_by not in (0, errno.EAGAIN):
                return {"gives": errno.errorcode[stopped_by]}
            total += taken
            if stopped_by == 0:
                # No write was refused, and so many took something only if these took nothing.
                return {"gives": total}
            time.sleep(QUIET_SECONDS)
            if not self._probe.poll(self._fd(step)) & OUT:
                return {"gives": total}
        raise Mismatch(f"never full; {total} bytes taken")

    def _guest_read(self, step: Step) -> dict[str, Any]:
        text = b""

        def attempt() -> int:
            nonlocal text
            text = self._probe.read(self._fd(step), step.get("bytes", 1 << 16))
            return len(text)

        return {**_answer(attempt), "text": text.decode()}

    def _guest_drain(self, step: Step) -> dict[str, Any]:
        """Reads to the end, and once more after a while: QEMU may have had more."""
        total = 0
        quiet = Deadline(QUIET_SECONDS)
        while not quiet.has_passed:
            try:
                count = len(self._probe.read(self._fd(step)))
            except BlockingIOError:
                count = 0
            if count == 0:
                time.sleep(0.05)
                continue
            total += count
            quiet = Deadline(QUIET_SECONDS)
        return {"gives": total}

    def _guest_poll(self, step: Step) -> dict[str, Any]:
        bits = self._probe.poll(self._fd(step))
        known = (("IN", IN), ("OUT", OUT), ("HUP", HUP))
        return {"gives": "+".join(name for name, bit in known if bits & bit) or "none"}

    def _fd(self, step: Step) -> int:
        return self._descriptors[step.get("fd", "port")]

    # The host.

    def _host_attach(self, _: Step) -> dict[str, Any]:
        self._host = self._guest.attach()
        return {"gives": "OK"}

    def _host_leave(self, _: Step) -> dict[str, Any]:
        assert self._host is not None
        self._host.leave()
        self._host = None
        return {"gives": "OK"}

    def _host_send(self, step: Step) -> dict[str, Any]:
        assert self._host is not None
        data = step["text"].encode() if "text" in step else b"h" * step["bytes"]
        self._host.send_bytes(data, timeout_seconds=CHANGE_TIMEOUT_SECONDS)
        return {"gives": len(data)}

    def _host_fill(self, step: Step) -> dict[str, Any]:
        """Sends pieces of so many bytes until nothing is taken for a while."""
        assert self._host is not None
        piece = b"h" * step["bytes"]
        total = 0
        while True:
            taken = self._host.send_some(piece, timeout_seconds=QUIET_SECONDS)
            if taken == 0:
                return {"gives": total}
            total += taken

    def _host_read(self, step: Step) -> dict[str, Any]:
        """So many bytes, and without a number all there are."""
        assert self._host is not None
        data = bytearray()
        wanted = step.get("bytes")
        while wanted is None or len(data) < wanted:
            try:
                limit = None if wanted is None else wanted - len(data)
                data += self._host.receive_at_most(limit, timeout_seconds=QUIET_SECONDS)
            except TimeoutError:
                break
        return {"gives": len(data), "text": data[:256].decode()}

    # The machine.

    def _unplug(self, _: Step) -> dict[str, Any]:
        self._guest.unplug_port()
        self._is_plugged = False
        return {"gives": "OK"}

    def _plug(self, _: Step) -> dict[str, Any]:
        self._guest.plug_port()
        self._is_plugged = True
        return {"gives": "OK"}


def _answer(attempt: Callable[[], Any]) -> dict[str, Any]:
    try:
        return {"gives": attempt()}
    except OSError as error:
        return {"gives": errno.errorcode[error.errno]}
