"""vireod in the guest: the unit that runs it, and what the guest's kernel and systemd say of it."""

from __future__ import annotations

import os
from pathlib import Path

from machine import Guest, GuestError

UNIT = "vireod.service"
ENVIRONMENT_FILE = "/etc/vireo/test.env"
DROP_IN = f"/etc/systemd/system/{UNIT}.d/test.conf"
GUEST_TREE = Path(__file__).resolve().parent / "guest"
START_TIMEOUT_SECONDS = 20


class AgentMissing(RuntimeError):
    """There is no vireod to put into the guest."""


def agent_trees() -> list[Path]:
    """The root trees of a guest with the agent: ours, and the one with vireod on top of it."""
    named = os.environ.get("VIREO_GUEST_TREE")
    if not named or not (Path(named) / "usr/bin/vireod").is_file():
        raise AgentMissing(
            f"VIREO_GUEST_TREE={named or ''} has no usr/bin/vireod: set it to a folder laid out "
            "like / that has the agent in it, as the Makefile does"
        )
    return [GUEST_TREE, Path(named)]


class Agent:
    """One guest's agent on one engine. What it says of itself, the tests take from the port."""

    def __init__(self, guest: Guest, engine: str) -> None:
        self.guest = guest
        self.engine = engine

    def configure(self, flags: str, watchdog: bool = True) -> None:
        """Takes effect at the next start."""
        self.guest.write_file(ENVIRONMENT_FILE, f"VIREO_FLAGS=--engine {self.engine} {flags}\n")
        drop_in = "" if watchdog else "[Service]\nWatchdogSec=0\n"
        # Not each time: systemd takes seconds to reload under emulation.
        if self.guest.run(["/bin/cat", DROP_IN]).stdout != drop_in:
            self.guest.write_file(DROP_IN, drop_in)
            self.guest.check("systemctl daemon-reload")

    def start(self) -> None:
        """Returns once the agent has said READY=1."""
        started = self.guest.run(f"systemctl start {UNIT}", START_TIMEOUT_SECONDS)
        if started.exit_status != 0:
            raise GuestError(f"{UNIT} did not start: {started.stderr}\n{self.journal()}")

    def stop(self) -> None:
        self.guest.check(f"systemctl stop {UNIT}")

    def restart(self, flags: str = "--interval 1", watchdog: bool = True) -> None:
        self.stop()
        self.configure(flags, watchdog)
        self.start()

    def show(self, name: str) -> str:
        """One property of the unit, as `systemctl show` prints it."""
        return self.guest.check(f"systemctl show --value --property {name} {UNIT}").strip()

    @property
    def process(self) -> int:
        """Its process id in the guest."""
        return int(self.show("MainPID"))

    def descriptors(self) -> list[str]:
        """What its open descriptors are links to."""
        return self.guest.check(
            f"for link in /proc/{self.process}/fd/*; do readlink $link; done"
        ).splitlines()

    def resident_bytes(self) -> int:
        kilobytes = self.guest.check(f"awk '/^VmRSS:/ {{print $2}}' /proc/{self.process}/status")
        return int(kilobytes) * 1024

    def voluntary_context_switches(self) -> int:
        """Of all its threads: each wait that had to be woken up is one."""
        return int(self.guest.check(
            "awk '/^voluntary_ctxt_switches:/ {sum += $2} END {print sum}' "
            f"/proc/{self.process}/task/*/status"
        ))

    def journal(self, lines: int = 60) -> str:
        show = f"journalctl --no-pager --output short-monotonic --lines {lines} --unit {UNIT}"
        return self.guest.run(show).stdout
