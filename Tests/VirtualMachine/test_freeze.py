"""Freezing the guest's own root, and every way in which it has to thaw again.

The holder's life line is a FIFO here, whose other end a process of the guest holds: killing that is
what a SIGKILL of the agent looks like to the holder.
"""

from __future__ import annotations

import time
from typing import Iterator

import pytest

from agent import installed_guest
from machine import Guest

PROGRAM = "/usr/libexec/vireo/vireo-freeze"
ROOT_FILE = "/root/written"

# Long under emulation; short beside the deadline of the freezes that are ended otherwise.
THAW_SECONDS = 20.0
LONG_DEADLINE_SECONDS = 300


@pytest.fixture(scope="module")
def guest(request: pytest.FixtureRequest, package: None) -> Iterator[Guest]:
    guest = installed_guest("freeze")
    yield guest
    guest.close(keep_log=request.session.testsfailed > 0)


class Holder:
    """One holder in the guest and the process that holds the other end of its life line."""

    count = 0

    def __init__(self, guest: Guest) -> None:
        Holder.count += 1
        self.guest = guest
        self.name = f"test-{Holder.count}"
        line = f"/run/{self.name}"
        guest.check(["/usr/bin/mkfifo", line])
        self.parent = guest.start(["/bin/sh", "-c", f"exec sleep 900 > {line}"])
        self.process = guest.start(
            ["/bin/sh", "-c", f"exec {PROGRAM} hold {self.name} 3< {line}"]
        )

    def freeze(self, seconds: int) -> str:
        return self.guest.check(
            [PROGRAM, "freeze", "--holder", self.name, "--deadline", str(seconds)], 60
        )


class Writer:
    """A process of the guest that writes to the root's file system."""

    def __init__(self, guest: Guest) -> None:
        self.guest = guest
        self.process = guest.start(["/bin/sh", "-c", f"echo x > {ROOT_FILE}"])

    def is_blocked(self) -> bool:
        time.sleep(1)
        state = self.guest.check(f"cut -d' ' -f3 /proc/{self.process}/stat || echo gone").strip()
        return state == "D"

    def ends(self) -> bool:
        return self.guest.wait(self.process, THAW_SECONDS).exit_status == 0


def test_the_root_is_frozen_until_it_is_thawed(guest: Guest) -> None:
    holder = Holder(guest)
    assert "frozen /\n" in holder.freeze(LONG_DEADLINE_SECONDS)
    writer = Writer(guest)
    assert writer.is_blocked()
    # The thaw itself starts a program that lies on the frozen file system.
    assert "thawed /\n" in guest.check([PROGRAM, "thaw", "--holder", holder.name], 60)
    assert writer.ends()
    assert guest.wait(holder.process, THAW_SECONDS).exit_status == 0


def test_the_deadline_thaws(guest: Guest) -> None:
    holder = Holder(guest)
    holder.freeze(4)
    writer = Writer(guest)
    assert writer.is_blocked()
    assert writer.ends()


def test_a_killed_parent_thaws(guest: Guest) -> None:
    holder = Holder(guest)
    holder.freeze(LONG_DEADLINE_SECONDS)
    writer = Writer(guest)
    assert writer.is_blocked()
    guest.check(f"kill -KILL {holder.parent}")
    assert writer.ends()


def test_a_killed_holder_leaves_the_thaw_to_the_unit(guest: Guest) -> None:
    holder = Holder(guest)
    holder.freeze(LONG_DEADLINE_SECONDS)
    writer = Writer(guest)
    assert writer.is_blocked()
    guest.check(f"kill -KILL {holder.process}")
    # What the service's unit runs as ExecStopPost=.
    assert "thawed /\n" in guest.check([PROGRAM, "thaw"], 60)
    assert writer.ends()


def test_a_stopping_service_thaws(guest: Guest) -> None:
    holder = Holder(guest)
    holder.freeze(LONG_DEADLINE_SECONDS)
    writer = Writer(guest)
    assert writer.is_blocked()
    guest.check(f"kill -TERM {holder.process}")
    assert writer.ends()
