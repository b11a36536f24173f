"""`vireo doctor` against faults that are really there, in a real guest and on its real socket.

One guest is broken and mended again for all tests, each fault alone. The driver itself cannot be
taken away here: qemu-ga, by which the guest is reached, lives on another port of it.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

import pytest

from agent import DROP_IN, UNIT, Agent, installed_guest
from deadline import Deadline
from host import HostEnd
from machine import AGENT, AGENT_PORT, Guest

HEALTHY = 0
UNAVAILABLE = 69
FLAGS = "--interval 3600"
MESSAGE_ID_HOST_CONNECTED = "d5ab3a0dbcf54a8fabe8aa249e68bf85"


@dataclass(frozen=True)
class Report:
    """What one examination found."""

    exit_status: int
    findings: dict[str, dict[str, str]]

    @property
    def wrong(self) -> set[str]:
        return {
            check for check, finding in self.findings.items()
            if finding["severity"] == "problem"
        }

    def expect(self, check: str, *words: str) -> None:
        """Exactly this is wrong, and the words are in what was seen or in the remedy."""
        assert self.wrong == {check}, self.findings
        assert self.exit_status == UNAVAILABLE
        finding = self.findings[check]
        for word in words:
            assert word in finding["seen"] + finding["remedy"], finding


def report(exit_status: int, output: str) -> Report:
    found = json.loads(output)
    assert found["healthy"] == (exit_status == HEALTHY)
    return Report(exit_status, {finding["check"]: finding for finding in found["findings"]})


class Patient:
    """The guest with its agent, and the two doctors: one in it and one beside it."""

    def __init__(self, guest: Guest, monitor: Path, vireo: Path) -> None:
        self.guest = guest
        self.agent = Agent(guest, "auto")
        self._monitor = monitor
        self._vireo = vireo

    def examine(self) -> Report:
        done = self.guest.run("/usr/bin/vireo doctor --json")
        assert done.exit_status in (HEALTHY, UNAVAILABLE), done.stderr
        return report(done.exit_status, done.stdout)

    def examine_from_outside(self, *, with_monitor: bool = True) -> Report:
        command = [self._vireo, "doctor", "--json", "--socket", self.guest.socket_path()]
        if with_monitor:
            command += ["--qmp", self._monitor]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode in (HEALTHY, UNAVAILABLE), done.stderr
        return report(done.returncode, done.stdout)

    def restart(self) -> None:
        """The agent as it should be, and the host's word in its status."""
        self.guest.run(f"systemctl reset-failed {UNIT}")
        self.agent.restart(FLAGS)

    @contextmanager
    def drop_in(self, service: str) -> Iterator[None]:
        self.agent.stop()
        self.guest.write_file(DROP_IN, f"[Service]\n{service}\n")
        self.guest.check("systemctl daemon-reload")
        self.agent.start()
        try:
            yield
        finally:
            self.agent.stop()
            self.restart()

    @contextmanager
    def changed(self, change: str, back: str) -> Iterator[None]:
        self.guest.check(change)
        try:
            yield
        finally:
            self.guest.check(back)

    @property
    def node(self) -> str:
        return self.guest.check(f"readlink -f /dev/virtio-ports/{AGENT_PORT}").strip()


@pytest.fixture(scope="module")
def patient(request: pytest.FixtureRequest, package: None) -> Iterator[Patient]:
    with tempfile.TemporaryDirectory(prefix="vireo-doctor-") as folder:
        # The guest's own monitor serves the tests, and no one else.
        monitor = Path(folder) / "qmp.sock"
        guest = installed_guest(
            "doctor", extra_arguments=["-qmp", f"unix:{monitor},server=on,wait=off"])
        try:
            patient = Patient(guest, monitor, Path(os.environ["VIREO_GUEST_TREE"]) / "usr/bin/vireo")
            patient.restart()
            yield patient
        finally:
            guest.close(keep_log=request.session.testsfailed > 0)


@pytest.fixture
def host(patient: Patient) -> Iterator[HostEnd]:
    """A host that is there and has said something."""
    with patient.guest.attach() as host:
        host.send_message({"type": "handshake_request"})
        host.wait_for("handshake", timeout_seconds=20)
        yield host
    patient.guest.detach_all()


def wait_for_status(patient: Patient, words: str, timeout_seconds: float = 10) -> None:
    deadline = Deadline(timeout_seconds)
    while words not in (status := patient.agent.show("StatusText")):
        assert not deadline.has_passed, f"{words} did not come into: {status}"


def hear_out(host: HostEnd) -> None:
    """One handshake comes for the host's arrival and one for its question."""
    while True:
        try:
            host.receive_message(timeout_seconds=1)
        except TimeoutError:
            return


# In the guest.


def test_nothing_is_wrong_with_a_guest_that_is_well(patient: Patient, host: HostEnd) -> None:
    wait_for_status(patient, "host connected")
    found = patient.examine()
    assert found.wrong == set(), found.findings
    assert found.exit_status == HEALTHY
    assert found.findings["holder"]["seen"].startswith("the service has it open: vireod")
    assert found.findings["host"]["severity"] == "ok"
    assert "io_uring can be had, and the agent runs on uring" == found.findings["engine"]["seen"]


def test_looking_does_not_touch_the_port(patient: Patient, host: HostEnd) -> None:
    """Had the doctor opened the port, or the agent lost it, there would be a new handshake."""
    hear_out(host)
    show = f"grep -v bytes_sent /sys/kernel/debug/virtio-ports/{Path(patient.node).name}"
    before = patient.guest.check(show)
    for _ in range(3):
        patient.examine()
    with pytest.raises(TimeoutError):
        host.wait_for("handshake", timeout_seconds=2)
    assert before == patient.guest.check(show)


def test_an_absent_host_is_noted(patient: Patient) -> None:
    found = patient.examine()
    assert found.exit_status == HEALTHY
    assert found.findings["host"]["severity"] == "note"
    assert "no host is connected, by the driver's debugfs" in found.findings["host"]["seen"]


def test_a_service_that_does_not_run(patient: Patient) -> None:
    patient.agent.stop()
    try:
        patient.examine().expect("service", "inactive", f"systemctl enable --now {UNIT}")
    finally:
        patient.restart()


def test_a_service_that_ends_again_and_again(patient: Patient) -> None:
    patient.agent.stop()
    patient.agent.configure("--interval 0")
    patient.guest.run(f"systemctl start --no-block {UNIT}")
    try:
        deadline = Deadline(15)
        while patient.agent.show("ActiveState") != "activating":
            assert not deadline.has_passed
        patient.examine().expect("service", "does not get ready", f"journalctl -u {UNIT}")
    finally:
        patient.restart()


def test_a_service_that_is_masked(patient: Patient) -> None:
    patient.agent.stop()
    try:
        with patient.changed(f"systemctl mask {UNIT}", f"systemctl unmask {UNIT}"):
            patient.examine().expect("service", "masked", f"systemctl unmask {UNIT}")
    finally:
        patient.restart()


def test_a_node_of_the_wrong_mode_and_group(patient: Patient) -> None:
    node = patient.node
    with patient.changed(
        f"chown root:root {node} && chmod 0600 {node}",
        f"chown root:virtio-ports {node} && chmod 0660 {node}",
    ):
        patient.examine().expect("access", "0600 root:root", 'MODE="0660"', "udevadm trigger")


def test_the_remedy_for_the_node_works(patient: Patient) -> None:
    node = patient.node
    patient.guest.check(f"chown root:root {node} && chmod 0600 {node}")
    remedy = patient.examine().findings["access"]["remedy"]
    said = remedy.replace("sudo ", "").partition(": ")[2].split(";")
    commands = [part for part in said if "SupplementaryGroups" not in part]
    patient.guest.check("; ".join(commands) + "; udevadm settle")
    assert "access" not in patient.examine().wrong
    patient.guest.check("rm /etc/udev/rules.d/61-vireo-access.rules && udevadm control --reload")


def test_a_node_that_everybody_may_write(patient: Patient) -> None:
    node = patient.node
    with patient.changed(f"chmod 0666 {node}", f"chmod 0660 {node}"):
        patient.examine().expect("access", "every user", f"chmod o-rw {node}")


def test_a_link_that_udev_did_not_make(patient: Patient) -> None:
    link = f"/dev/virtio-ports/{AGENT_PORT}"
    target = patient.guest.check(f"readlink {link}").strip()
    with patient.changed(f"rm {link}", f"ln -s {target} {link}"):
        patient.examine().expect("link", link, "udevadm trigger")


def test_a_port_that_somebody_else_holds(patient: Patient) -> None:
    patient.agent.stop()
    node = patient.node
    holder = patient.guest.start(["/bin/sh", "-c", f"exec 3<>{node}; exec sleep 300"])
    try:
        patient.agent.configure(FLAGS)
        # It is ready although it cannot have the port, and goes on trying.
        patient.agent.start()
        patient.examine().expect("holder", "sleep (pid ", f"sudo kill {holder}")
    finally:
        patient.guest.run(f"kill {holder}")
        patient.restart()


def test_too_little_locked_memory(patient: Patient) -> None:
    with patient.drop_in("LimitMEMLOCK=64K"):
        patient.examine().expect("locked-memory", "64 KiB", "LimitMEMLOCK=8M")


def test_a_unit_that_refuses_io_uring(patient: Patient) -> None:
    with patient.drop_in("SystemCallFilter=~io_uring_setup\nSystemCallErrorNumber=EPERM"):
        wait_for_status(patient, "engine epoll")
        patient.examine().expect("engine", "the unit refuses it", "SystemCallFilter")


def test_a_unit_without_a_watchdog(patient: Patient) -> None:
    with patient.drop_in("WatchdogSec=0"):
        patient.examine().expect("watchdog", "WatchdogSec=30")


def test_a_clock_that_stands_in_1970(patient: Patient) -> None:
    # Back by the monotonic clock, which date does not touch.
    with patient.changed(
        "date +%s >/run/then; cut -d. -f1 /proc/uptime >/run/up; date -s @12000",
        "date -s @$(($(cat /run/then) + $(cut -d. -f1 /proc/uptime) - $(cat /run/up)))",
    ):
        patient.examine().expect("clock", "before 2025", "timedatectl set-ntp true")


def test_a_port_of_another_name_only(patient: Patient) -> None:
    patient.guest.unplug_port()
    try:
        deadline = Deadline(10)
        while patient.guest.run(f"test -e /dev/virtio-ports/{AGENT_PORT}").exit_status == 0:
            assert not deadline.has_passed
        patient.examine().expect("port", "org.qemu.guest_agent.0", f"--name {AGENT_PORT}")
    finally:
        patient.guest.plug_port()
        deadline = Deadline(10)
        while patient.guest.run(f"test -e /dev/virtio-ports/{AGENT_PORT}").exit_status != 0:
            assert not deadline.has_passed
        patient.restart()


# On the host.


def test_from_outside_an_agent_is_recognised(patient: Patient) -> None:
    wait_for_status(patient, "waiting for a host")
    found = patient.examine_from_outside()
    assert found.wrong == set(), found.findings
    assert "has answered" in found.findings["agent"]["seen"]


@pytest.mark.parametrize("with_monitor", [True, False])
def test_from_outside_a_busy_socket_is_not_dead(
    patient: Patient, host: HostEnd, with_monitor: bool
) -> None:
    patient.examine_from_outside(with_monitor=with_monitor).expect(
        "client", "busy, not dead", "sudo ss -xp")
    # Who was there has noticed nothing.
    host.send_message({"type": "handshake_request"})
    host.wait_for("handshake", timeout_seconds=20)


def test_from_outside_a_port_that_nobody_has_open(patient: Patient) -> None:
    patient.agent.stop()
    try:
        found = patient.examine_from_outside()
        assert found.wrong == {"port", "agent"}
        assert "no agent" in found.findings["port"]["seen"]
    finally:
        patient.restart()


def test_from_outside_a_silent_agent(patient: Patient) -> None:
    process = patient.agent.process
    # The watchdog would end it after ten seconds.
    patient.guest.check(f"kill -STOP {process}")
    try:
        patient.examine_from_outside().expect("agent", "silent agent", "In the guest")
    finally:
        patient.guest.run(f"kill -CONT {process}")
        patient.restart()


def test_from_outside_no_port(patient: Patient) -> None:
    patient.guest.unplug_port()
    try:
        found = patient.examine_from_outside()
        assert found.wrong == {"port", "agent"}
        assert "no port" in found.findings["port"]["seen"]
    finally:
        patient.guest.plug_port()
        patient.restart()


def test_from_outside_a_stale_socket(patient: Patient, tmp_path: Path) -> None:
    import socket

    path = tmp_path / "stale.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.close()
    vireo = Path(os.environ["VIREO_GUEST_TREE"]) / "usr/bin/vireo"
    done = subprocess.run(
        [vireo, "doctor", "--json", "--socket", path],
        capture_output=True, text=True, timeout=30, check=False)
    report(done.returncode, done.stdout).expect("listener", "stale", f"rm {path}")


# The journal.


def test_the_journal_has_the_events_with_their_fields(patient: Patient, host: HostEnd) -> None:
    deadline = Deadline(10)
    while True:
        lines = patient.guest.check(
            f"journalctl --output json --unit {UNIT} MESSAGE_ID={MESSAGE_ID_HOST_CONNECTED} "
            "--lines 1").splitlines()
        if lines:
            break
        assert not deadline.has_passed
    record = json.loads(lines[-1])
    assert record["MESSAGE"].startswith("host connected on ")
    assert record["PORT"].startswith("/dev/")
    assert len(record["EPOCH"]) == 32
    assert record["ENGINE"] == "uring"
    assert record["SYSLOG_IDENTIFIER"] == "vireod"
    assert record["_TRANSPORT"] == "journal"
    assert record["PRIORITY"] == "6"
    assert record["CODE_FILE"].endswith(".swift")


def test_journalctl_explains_an_event(patient: Patient, host: HostEnd) -> None:
    catalog = "/usr/lib/systemd/catalog/vireo.catalog"
    patient.guest.check(f"mkdir -p {Path(catalog).parent} && vireo journal-catalog >{catalog}")
    done = patient.guest.run("journalctl --update-catalog")
    assert done.exit_status == 0 and "vireo" not in done.stderr, done.stderr
    explained = patient.guest.check(
        f"journalctl --catalog --unit {UNIT} MESSAGE_ID={MESSAGE_ID_HOST_CONNECTED} --lines 1")
    assert "Subject: A host has connected to the port /dev/" in explained
    assert "Defined-By: Vireo" in explained
