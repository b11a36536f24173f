#!/usr/bin/python3
"""Measures what the installed agent costs in a guest, against the budget, and prints a table.

    VIREO_PACKAGE=vireo.deb Tests/VirtualMachine/budget.py

Memory, wake-ups and sizes hold as measured. The guest's processor is emulated where there is no
KVM, and then everything takes 10 to 30 times as long: the times are printed beside that of a unit of
systemd's own, and are judged by `make figures` on the machine itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from agent import UNIT, Agent, AgentMissing, installed_guest
from machine import Guest, GuestError

MEBIBYTE = 1024
READY_STARTS = 5
SETTLE_SECONDS = 15
IDLE_SECONDS = 30
# The first sample waits for the emulated disk.
METRICS_TIMEOUT_SECONDS = 60
BUSY_SECONDS = 40


class Table:
    """Rows of what was measured; counts what is over its budget."""

    def __init__(self) -> None:
        self.over = 0

    def row(self, what: str, value: float, unit: str, budget: float | None = None) -> None:
        verdict = ""
        if budget is not None:
            within = value <= budget
            self.over += not within
            verdict = f"{'within' if within else 'OVER'} {budget:g}"
        print(f"{what:52} {value:10.2f} {unit:6} {verdict}", flush=True)


def memory(guest: Guest, process: int) -> dict[str, int]:
    """Kilobytes by name, from /proc/PID/status."""
    lines = guest.check(f"grep -E '^(Vm|Rss)' /proc/{process}/status").splitlines()
    return {line.split(":")[0]: int(line.split()[1]) for line in lines}


def cpu_seconds(guest: Guest, process: int) -> float:
    """User and system time of all threads, in nanoseconds' resolution."""
    spent = guest.check(f"cut -d ' ' -f 1 /proc/{process}/task/*/schedstat").split()
    return sum(map(int, spent)) / 1e9


def ready_milliseconds(agent: Agent) -> float:
    """From the fork to READY=1, as systemd stamps both."""
    agent.stop()
    agent.start()
    started = int(agent.show("ExecMainStartTimestampMonotonic"))
    return (int(agent.show("ActiveEnterTimestampMonotonic")) - started) / 1000


def measure(guest: Guest, table: Table) -> None:
    agent = Agent(guest, "auto")
    for program in ("vireod", "vireo"):
        size = int(guest.check(f"stat --format %s /usr/bin/{program}"))
        table.row(f"{program}, stripped", size / 1e6, "MB", 20)

    agent.restart("--interval 1")
    host = guest.attach()
    host.wait_for("metrics", METRICS_TIMEOUT_SECONDS)
    time.sleep(SETTLE_SECONDS)
    used = memory(guest, agent.process)
    own = used["RssAnon"] + used["RssShmem"]
    table.row("memory of its own (RssAnon + RssShmem)", own / MEBIBYTE, "MiB", 10)
    table.row("resident (VmRSS)", used["VmRSS"] / MEBIBYTE, "MiB", 16)
    table.row("resident at most so far (VmHWM)", used["VmHWM"] / MEBIBYTE, "MiB")
    cgroup = int(guest.check(f"systemctl show --value --property MemoryCurrent {UNIT}"))
    table.row("charged to the unit (memory.current)", cgroup / 2**20, "MiB")

    before, began = cpu_seconds(guest, agent.process), time.monotonic()
    time.sleep(BUSY_SECONDS)
    share = (cpu_seconds(guest, agent.process) - before) / (time.monotonic() - began)
    emulated = os.environ.get("ACCEL") != "kvm"
    table.row("processor at one sample a second", share * 100, "%", None if emulated else 0.1)
    host.leave()

    agent.restart("--interval 3600", watchdog=False)
    with guest.attach() as idle:
        idle.wait_for("metrics", METRICS_TIMEOUT_SECONDS)
        before_switches = agent.settled_context_switches()
        time.sleep(IDLE_SECONDS)
        switches = agent.voluntary_context_switches() - before_switches
    table.row(f"wake-ups between samples, {IDLE_SECONDS} s, host present", switches, "", 0)

    starts = sorted(ready_milliseconds(agent) for _ in range(READY_STARTS))
    table.row("start until READY=1, median", starts[READY_STARTS // 2], "ms",
              None if emulated else 20)
    again = time.monotonic()
    guest.check("systemctl start systemd-tmpfiles-clean.service", 60)
    table.row("  beside it: a oneshot unit of systemd's own",
              (time.monotonic() - again) * 1000, "ms")


def main() -> int:
    table = Table()
    try:
        with installed_guest("budget") as guest:
            measure(guest, table)
    except (AgentMissing, GuestError, OSError, subprocess.CalledProcessError) as error:
        print(f"budget.py: {error}", file=sys.stderr)
        return 69
    return 1 if table.over else 0


if __name__ == "__main__":
    sys.exit(main())
