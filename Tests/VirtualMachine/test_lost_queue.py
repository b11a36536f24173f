"""QEMU loses a slot of a port's queue each time a host leaves with one of them half taken: 128 are all
there are. What agent and doctor say then, and what brings the port back."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Iterator

import pytest

from agent import UNIT, Agent, installed_guest
from machine import AGENT_PORT, Guest

SLOTS = 128
# A few leave with nothing half taken.
DEPARTURES_MAX = 200
DRIVER = "/sys/bus/virtio/drivers/virtio_console"


@pytest.fixture(scope="module")
def own_guest(request: pytest.FixtureRequest, package: None) -> Iterator[tuple[Guest, Path]]:
    """Of its own, for no other test could use it afterwards; and a monitor for `vireo doctor`."""
    with tempfile.TemporaryDirectory(prefix="vireo-lost-") as folder:
        monitor = Path(folder) / "qmp.sock"
        guest = installed_guest(
            "lost-queue", extra_arguments=["-qmp", f"unix:{monitor},server=on,wait=off"])
        yield guest, monitor
        guest.close(keep_log=request.session.testsfailed > 0)


def doctor(guest: Guest, monitor: Path) -> str:
    """What it finds from outside, for people."""
    vireo = Path(os.environ["VIREO_GUEST_TREE"]) / "usr/bin/vireo"
    return subprocess.run(
        [vireo, "doctor", "--socket", guest.socket_path(), "--qmp", monitor],
        capture_output=True, text=True, timeout=30, check=False).stdout


def leave_in_the_middle(guest: Guest) -> None:
    """A host that takes nothing, and leaves while the guest writes more than its socket holds."""
    with socket.socket(socket.AF_UNIX) as host:
        host.connect(str(guest.socket_path()))
        guest.run(
            f"timeout 3 dd if=/dev/zero of=/dev/virtio-ports/{AGENT_PORT} bs=32k count=16 "
            "oflag=nonblock")
    # QEMU and the driver see it leave.
    time.sleep(0.02)


def test_a_queue_that_qemu_has_lost_is_told_and_comes_back_with_the_driver(
    own_guest: tuple[Guest, Path]
) -> None:
    guest, monitor = own_guest
    agent = Agent(guest, "auto")
    with guest.attach() as host:
        agent.restart("--interval 0.5 --processes 0")
        host.wait_for("handshake", timeout_seconds=20)
        time.sleep(3)
    journal = agent.journal()
    assert "does not acknowledge" in journal and "lost its queue" not in journal, journal
    agent.stop()
    assert guest.lost_slots() == 0
    for departures in range(1, DEPARTURES_MAX + 1):
        leave_in_the_middle(guest)
        if departures % 8 == 0 and guest.lost_slots() == SLOTS:
            break
    print(f"{guest.lost_slots()} slots lost in {departures} departures")
    assert guest.lost_slots() == SLOTS, "QEMU gives them back: say so in Port+LostOutput.swift"

    for engine in ("uring", "epoll"):
        agent = Agent(guest, engine)
        with guest.attach() as host, pytest.raises(TimeoutError):
            # There before the agent: without room in the queue no edge tells of an arrival.
            agent.restart("--interval 0.5 --processes 0")
            host.wait_for("handshake", timeout_seconds=6)
        journal = agent.journal()
        assert f"engine {engine}" in journal and "the device has lost its queue" in journal, journal
        assert "has lost all 128 slots" in (found := doctor(guest, monitor)), found
        agent.stop()

    # All at once, for qemu-ga's port is of the same device.
    guest.run(
        f"systemd-run --on-active=1 sh -c 'cd {DRIVER}; d=$(echo virtio*); echo $d >unbind; "
        f"sleep 1; echo $d >bind; sleep 1; systemctl restart {UNIT}'")
    with guest.attach() as host:
        host.wait_for("handshake", timeout_seconds=60)
    assert guest.lost_slots() == 0
    assert "slots" not in (found := doctor(guest, monitor)), found
