"""The host's handle on facts_probe, the hand inside the guest."""

from __future__ import annotations

import errno
import json
import os
import select
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

from line_socket import LineSocket
from machine import AGENT_PORT, Guest, Port

CONTROL = Port("org.vireo.facts", "facts0", 3)
PROBE_PATH = "usr/bin/facts_probe"

IN, OUT, HUP = select.POLLIN, select.POLLOUT, select.POLLHUP


def build_probe(tree: Path) -> None:
    """Puts the program into a root tree."""
    program = tree / PROBE_PATH
    program.parent.mkdir(parents=True, exist_ok=True)
    source = Path(__file__).with_name("facts_probe.c")
    subprocess.run(
        ["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-static", str(source), "-o", str(program),
         "-luring", "-lpthread"],
        check=True,
    )


def build_port_loop(folder: Path) -> None:
    """The port's end as plain C, for comparison."""
    folder.mkdir(parents=True, exist_ok=True)
    source = Path(__file__).resolve().parents[2] / "Benchmarks/peers/port_loop.c"
    subprocess.run(
        ["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-static", str(source), "-o",
         str(folder / "port_loop")],
        check=True,
    )


@dataclass(frozen=True)
class Edge:
    """One wake-up of a watcher. The clock is the guest's monotonic one."""

    seconds: float
    events: int

    def __repr__(self) -> str:
        names = [n for n, bit in (("IN", IN), ("OUT", OUT), ("HUP", HUP)) if self.events & bit]
        return f"{'+'.join(names)}@{self.seconds:.3f}"


class Probe:
    """One process in the guest. What the kernel refuses there is an OSError here."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        # Attach first: a port without a host reads as the end of the orders, and the probe ends.
        self._lines = LineSocket(guest.socket_path(CONTROL))
        self._process = guest.start([f"/{PROBE_PATH}", f"/dev/virtio-ports/{CONTROL.name}"])

    def open(self, path: str = f"/dev/virtio-ports/{AGENT_PORT}") -> int:
        return self._order("open", path)["value"]

    def close(self, descriptor: int) -> None:
        self._order("close", descriptor)

    def poll(self, descriptor: int) -> int:
        """The bits of `poll(fd, IN | OUT, 0)`."""
        return self._order("poll", descriptor)["value"]

    def read(self, descriptor: int, bytes_max: int = 1 << 16) -> bytes:
        """One read(2). Beyond 256 bytes it is filled with NUL: only the size is true."""
        answer = self._order("read", descriptor, bytes_max)
        return bytes.fromhex(answer["data"]).ljust(answer["value"], b"\0")

    def write(self, descriptor: int, count_bytes: int) -> int:
        """One write(2) of so many `w`."""
        return self._order("write", descriptor, count_bytes)["value"]

    def write_lines(
        self, descriptor: int, line_bytes: int, count: int, gap_milliseconds: int = 0
    ) -> tuple[int, int]:
        """Lines of `g`, one write(2) each, up to `count` or an error: bytes taken, errno."""
        answer = self._order("write_often", descriptor, line_bytes, count, gap_milliseconds)
        return answer["value"], answer["stopped_by"]

    def watch(self, descriptor: int, engine: str, events: int = IN | OUT) -> None:
        """Counts wake-ups from now on, for one descriptor a process.

        By `epoll` (EPOLLET), by `uring` (multishot poll, EPOLLET), or by `signal` (O_ASYNC with a
        real-time signal, whose events are the driver's constant and say nothing).
        """
        self._order(f"watch_{engine}", descriptor, events)

    def edges(self) -> list[Edge]:
        """Those since the last call."""
        return [Edge(ns / 1e9, events) for ns, events in self._order("edges")["edges"]]

    def start_uring_read(self, descriptor: int, bytes_max: int) -> None:
        self._order("uring_read_start", descriptor, bytes_max)

    def end_uring_read(self, timeout_milliseconds: int) -> int | None:
        """The completion's result, or None while the read is parked."""
        return self._order("uring_read_end", timeout_milliseconds).get("completed")

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """The process does not run, as if the guest were busy; its watchers see the end only."""
        self._guest.check(["/bin/kill", "-STOP", str(self._process)])
        try:
            yield
        finally:
            self._guest.check(["/bin/kill", "-CONT", str(self._process)])

    def occupy_processors(self, milliseconds: int) -> None:
        """Starts, and does not wait: until then no process and no kernel worker runs in the guest.

        The kernel gives the rest at least 50 ms of each second, so it should be less than 950 ms.
        """
        self._order("occupy", milliseconds)

    def kill(self) -> None:
        """SIGKILL: the process ends in whatever it does, and the port is free again."""
        self._guest.check(["/bin/kill", "-KILL", str(self._process)])
        self.end()

    def end(self) -> None:
        """The process ends with its orders: its descriptors close, the port is free again."""
        self._lines.close()
        self._guest.wait(self._process, timeout_seconds=20)

    def _order(self, verb: str, *arguments: Any) -> dict[str, Any]:
        line = " ".join([verb, *map(str, arguments)])
        self._lines.send(line.encode() + b"\n")
        answer = json.loads(self._lines.receive_line(timeout_seconds=30))
        if "errno" in answer:
            number = answer["errno"]
            raise OSError(number, f"{line}: {errno.errorcode.get(number)} {os.strerror(number)}")
        return answer
