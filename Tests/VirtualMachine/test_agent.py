"""vireod in a real guest, judged from outside by what DESIGN.md and protocol.md promise.

Every test runs on both engines. The host here is HostEnd, which shares no code with the agent.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from itertools import count
from typing import Any, Iterator

import pytest

from agent import UNIT, Agent
from deadline import Deadline
from host import HostEnd, Message
from machine import AGENT_PORT

FRAME_BYTES_MAX = 1_048_576
HANDSHAKE_TIMEOUT_SECONDS = 1.0
REPLUG_TIMEOUT_SECONDS = 2.0
ANSWER_TIMEOUT_SECONDS = 5.0
# A sample waits for the guest's emulated disk, seconds now and then, while the loop goes on: what the
# loop itself answers has ANSWER_TIMEOUT_SECONDS.
SAMPLE_TIMEOUT_SECONDS = 20.0
STOP_TIMEOUT_SECONDS = 3.0
QUIET = "--interval 3600"

# A sample that lists these many processes, with command lines of this length, is over the cap.
MANY_PROCESSES = 1800
LONG_NAME = "many" + " 0" * 250

RFC_3339_UTC_MILLISECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
sequence_numbers = count(1)


@pytest.fixture
def host(agent: Agent) -> Iterator[HostEnd]:
    """Attached before the agent starts, so that it hears the first byte."""
    agent.stop()
    with agent.guest.attach() as host:
        yield host


def begin(agent: Agent, host: HostEnd, flags: str = "--interval 1") -> Message:
    """Starts the agent with these flags and returns its handshake."""
    agent.restart(flags)
    return host.wait_for("handshake", timeout_seconds=20)


def hear_out(host: HostEnd, quiet_seconds: float = 3.5) -> None:
    """Reads until nothing more comes, so that the next message answers the next request.

    A host that does not answer a handshake is taken for a plain one after 2 s, and gets samples then.
    """
    while True:
        try:
            host.receive_message(quiet_seconds)
        except TimeoutError:
            return


def expect_answer(host: HostEnd, timeout_seconds: float = ANSWER_TIMEOUT_SECONDS) -> None:
    """A keep-alive is the one answer that periodic messages cannot be mistaken for."""
    number = next(sequence_numbers)
    host.send_message({
        "type": "keep_alive_request", "sequence_number": number,
        "timestamp": "2026-01-01T00:00:00.000Z",
    })
    deadline = Deadline(timeout_seconds)
    while True:
        answer = host.wait_for("keep_alive", deadline.remaining_seconds)
        if answer["sequence_number"] == number:
            return


def request_of(size_bytes: int) -> bytes:
    """A Metrics request of this size with its newline."""
    empty = b'{"type":"Metrics","padding":""}\n'
    padding = b"x" * (size_bytes - len(empty))
    return empty.replace(b'""', b'"' + padding + b'"')


# The port and the first words.


def test_the_port_is_found_by_its_name(agent: Agent, host: HostEnd) -> None:
    begin(agent, host)
    node = agent.guest.check(f"readlink -f /dev/virtio-ports/{AGENT_PORT}").strip()
    ports = [name for name in agent.descriptors() if name.startswith("/dev/vport")]
    assert ports == [node]


def test_the_engine_asked_for_runs_and_is_named(agent: Agent, host: HostEnd) -> None:
    begin(agent, host)
    has_ring = "anon_inode:[io_uring]" in agent.descriptors()
    assert has_ring == (agent.engine == "uring")
    assert agent.engine in agent.show("StatusText") + agent.journal()


def test_a_newline_comes_first_and_then_the_handshake(agent: Agent, host: HostEnd) -> None:
    agent.restart()
    assert host.receive_line(timeout_seconds=20) == b""
    handshake = host.receive_message(timeout_seconds=20)
    assert handshake["type"] == "handshake"
    assert handshake["platform"] == "linux"
    assert handshake["version"]
    assert handshake["vm_id"] == agent.guest.check("cat /etc/machine-id").strip()
    assert "metrics" in handshake["capabilities"]
    assert RFC_3339_UTC_MILLISECONDS.fullmatch(handshake["timestamp"])
    assert host.malformed == []


def test_metrics_agree_with_what_the_guest_says_of_itself(agent: Agent, host: HostEnd) -> None:
    begin(agent, host, QUIET)
    hear_out(host)
    guest = agent.guest
    uptime_before = float(guest.check("cut -d ' ' -f 1 /proc/uptime"))
    host.send_message({"type": "Metrics"})
    metrics = host.wait_for("metrics", SAMPLE_TIMEOUT_SECONDS)
    uptime_after = float(guest.check("cut -d ' ' -f 1 /proc/uptime"))

    assert RFC_3339_UTC_MILLISECONDS.fullmatch(metrics["timestamp"])
    system: dict[str, Any] = metrics["data"]["system"]
    assert system["system"]["hostname"] == guest.check("cat /proc/sys/kernel/hostname").strip()
    assert system["system"]["kernel_version"] == guest.check("uname -r").strip()
    assert len(system["cpu"]["cores_usage"]) == int(guest.check("nproc"))
    memory_total = int(guest.check("awk '/^MemTotal:/ {print $2}' /proc/meminfo"))
    assert system["memory"]["total_kb"] == memory_total
    # The field may be whole seconds.
    assert uptime_before - 1 <= system["uptime_seconds"] <= uptime_after + 1
    root = [disk for disk in system["disk"]["usage_stats"] if disk["mount_point"] == "/"]
    assert len(root) == 1
    root_bytes = int(guest.check("df --block-size=1 --output=size / | tail -n 1"))
    assert root[0]["total_gb"] == pytest.approx(root_bytes / 2**30, rel=0.01)


def test_metrics_come_at_the_interval(agent: Agent, host: HostEnd) -> None:
    begin(agent, host, "--interval 0.2")
    host.wait_for("metrics", timeout_seconds=20)
    hear_backlog = time.monotonic() + 2
    while time.monotonic() < hear_backlog:
        host.wait_for("metrics", timeout_seconds=2)
    started = time.monotonic()
    for _ in range(10):
        host.wait_for("metrics", timeout_seconds=2)
    assert 1.5 <= time.monotonic() - started <= 3.0


def test_a_second_opener_is_told_that_the_port_is_busy(agent: Agent, host: HostEnd) -> None:
    begin(agent, host)
    refused = agent.guest.run(f"exec 3<>/dev/virtio-ports/{AGENT_PORT}")
    assert refused.exit_status != 0
    assert "Device or resource busy" in refused.stderr
    expect_answer(host)


def test_a_second_agent_says_who_holds_the_port(agent: Agent, host: HostEnd) -> None:
    begin(agent, host)
    second = agent.guest.run("vireod --once")
    assert second.exit_status == 75
    assert f"in use by vireod (pid {agent.process})" in second.stderr
    expect_answer(host)


def test_an_agent_without_permission_names_the_udev_rule(agent: Agent, host: HostEnd) -> None:
    agent.stop()
    refused = agent.guest.run(
        "setpriv --reuid=65534 --regid=65534 --clear-groups vireod --once")
    assert refused.exit_status == 77
    assert 'SUBSYSTEM=="virtio-ports"' in refused.stderr


def test_a_port_that_is_nobodys_is_not_looked_into(agent: Agent, host: HostEnd) -> None:
    """qemu-ga's port is there and open; without leave it is not even a candidate."""
    agent.stop()
    refused = agent.guest.run("vireod --once --name org.example.none")
    assert refused.exit_status == 69
    assert "org.qemu.guest_agent.0" in refused.stderr


def test_ports_are_listed_with_their_holders(agent: Agent, host: HostEnd) -> None:
    begin(agent, host)
    ports = json.loads(agent.guest.check("vireo ports --json"))
    ours = next(port for port in ports if port["name"] == AGENT_PORT)
    assert ours["holder"] == "vireod" and ours["holder_pid"] == agent.process
    assert ours["udev_link"] is True and ours["problem"] is None


# Hosts that come and go.


@dataclass(frozen=True)
class Return:
    """How the host leaves, how long it stays away, and whether it greets when it is back."""

    leaves: str
    gap_seconds: float
    greets: bool


LEAVES = ("idle", "sending", "receiving")
# Each of the three ways meets each gap and each greeting; ten of twenty have no gap at all.
RETURNS = [
    Return(LEAVES[index % 3], 0.0 if index % 2 else 0.25, index // 2 % 2 == 0)
    for index in range(20)
]


def leave(host: HostEnd, how: str) -> None:
    if how == "sending":
        host.send_bytes(b'{"type":"Metrics","pad')
    elif how == "receiving":
        # Asked for and not read: what the agent has half sent is cut off.
        host.send_line(b'{"type":"Metrics"}')
        host.receive_bytes(timeout_seconds=ANSWER_TIMEOUT_SECONDS)
    host.leave()


def test_each_host_that_returns_gets_a_handshake(agent: Agent) -> None:
    agent.restart("--interval 0.3")
    host = agent.guest.attach()
    session = host.wait_for("handshake", timeout_seconds=20).get("session")
    for number, case in enumerate(RETURNS, start=1):
        leave(host, case.leaves)
        time.sleep(case.gap_seconds)
        host = agent.guest.attach()
        if case.greets:
            host.greet()
        try:
            handshake = host.wait_for("handshake", HANDSHAKE_TIMEOUT_SECONDS)
        except TimeoutError as error:
            pytest.fail(f"return {number}, {case}: {error}")
        # Only what was on its way when the host attached may be broken, and that is one line.
        assert len(host.malformed) <= 1, f"return {number}, {case}: {host.malformed}"
        if session is not None:
            assert handshake["session"] > session, f"return {number}, {case}: an old handshake"
            session = handshake["session"]
        host.wait_for("metrics", SAMPLE_TIMEOUT_SECONDS)
    expect_answer(host)
    host.leave()


def test_a_steady_host_gets_one_handshake(agent: Agent, host: HostEnd) -> None:
    """The agent's own writes wake it as a new host does; taking them for one would never end."""
    begin(agent, host, "--interval 0.1")
    deadline = Deadline(timeout_seconds=3)
    kinds = []
    while not deadline.has_passed:
        kinds.append(host.receive_message(timeout_seconds=2)["type"])
    assert "handshake" not in kinds
    assert kinds.count("metrics") >= 10


def test_an_absent_host_costs_no_wake_up(agent: Agent) -> None:
    agent.restart(QUIET, watchdog=False)
    process, switches = agent.process, agent.settled_context_switches()
    time.sleep(30)
    assert agent.process == process
    assert agent.voluntary_context_switches() - switches == 0


def test_a_port_that_is_unplugged_and_plugged_is_used_again(agent: Agent, host: HostEnd) -> None:
    begin(agent, host)
    process = agent.process
    agent.guest.unplug_port()
    time.sleep(1)
    hear_out(host)
    agent.guest.plug_port()
    # To the host it is the same connection all the while.
    host.wait_for("handshake", REPLUG_TIMEOUT_SECONDS)
    expect_answer(host)
    assert agent.process == process, "it must find the new node without a restart"


# Frames at the cap.


def test_a_request_at_the_cap_is_answered(agent: Agent, host: HostEnd) -> None:
    begin(agent, host, QUIET)
    hear_out(host)
    request = request_of(FRAME_BYTES_MAX)
    assert len(request) == FRAME_BYTES_MAX
    host.send_bytes(request)
    host.wait_for("metrics", SAMPLE_TIMEOUT_SECONDS)


def test_a_request_one_byte_over_the_cap_is_refused_and_the_next_is_answered(
    agent: Agent, host: HostEnd
) -> None:
    begin(agent, host, QUIET)
    hear_out(host)
    host.send_bytes(request_of(FRAME_BYTES_MAX + 1))
    error = host.wait_for("error", timeout_seconds=10)
    assert error["error"] == "MESSAGE_TOO_LARGE"
    assert error["details"]["bytes"] == FRAME_BYTES_MAX + 1
    assert error["details"]["limit"] == FRAME_BYTES_MAX
    host.send_message({"type": "Metrics"})
    host.wait_for("metrics", SAMPLE_TIMEOUT_SECONDS)


def test_a_frame_of_about_the_cap_reaches_the_host(agent: Agent, host: HostEnd) -> None:
    """A sample with more processes than a frame holds: whole rows go, and their number is told."""
    begin(agent, host, f"{QUIET} --processes 10000")
    hear_out(host)
    # Forked and not executed, each waits for a pipe: under emulation that is ten times as fast.
    agent.guest.check("rm -f /run/many && mkfifo /run/many")
    agent.guest.check(
        "systemd-run --quiet --unit=many --property=TasksMax=infinity sh -c '"
        f"for i in $(seq {MANY_PROCESSES}); do (read line </run/many) & done; wait' {LONG_NAME}")
    try:
        deadline = Deadline(timeout_seconds=120)
        while int(agent.guest.check("pgrep --count --exact sh || true")) < MANY_PROCESSES:
            assert not deadline.has_passed, "the guest is too slow to start the processes"
            time.sleep(1)
        host.send_message({"type": "Metrics"})
        while True:
            line = host.receive_line(timeout_seconds=60)
            if len(line) > FRAME_BYTES_MAX // 2:
                break
    finally:
        agent.guest.check("systemctl stop many")
    assert FRAME_BYTES_MAX - 10_000 < len(line) + 1 <= FRAME_BYTES_MAX
    metrics = json.loads(line)
    listed = len(metrics["data"]["processes"])
    assert listed > 500
    assert metrics["truncated"]["processes"] + listed > MANY_PROCESSES
    expect_answer(host)


# A host that does not read.


def test_a_host_that_does_not_read_grows_nothing(agent: Agent, host: HostEnd) -> None:
    begin(agent, host, "--interval 0.05")
    time.sleep(2)
    own = agent.own_bytes()
    time.sleep(10)
    assert agent.own_bytes() - own < 1_000_000
    expect_answer(host, timeout_seconds=10)


# systemd.


def test_systemd_sees_it_active_with_a_status_that_names_the_state(agent: Agent) -> None:
    agent.restart()
    time.sleep(2)
    assert agent.show("ActiveState") == "active"
    absent = agent.show("StatusText")
    assert re.search("absent|no host|wait", absent, re.IGNORECASE), absent
    with agent.guest.attach() as host:
        host.wait_for("handshake", HANDSHAKE_TIMEOUT_SECONDS)
        time.sleep(2)
        present = agent.show("StatusText")
    assert re.search("connected|present|attached", present, re.IGNORECASE), present
    assert present != absent


@pytest.mark.parametrize("attached", [True, False], ids=["present", "absent"])
def test_the_watchdog_is_fed(agent: Agent, attached: bool) -> None:
    """The unit asks for 10 s; after 11 s without a ping systemd would have killed it."""
    agent.restart(QUIET)
    host = agent.guest.attach() if attached else None
    time.sleep(1)
    process, fed = agent.process, int(agent.show("WatchdogTimestampMonotonic"))
    time.sleep(11)
    assert int(agent.show("WatchdogTimestampMonotonic")) > fed
    assert agent.process == process
    if host is not None:
        host.leave()


@pytest.mark.parametrize("host_state", ["absent", "reading", "stuck"])
def test_sigterm_ends_it_in_time_and_with_success(agent: Agent, host_state: str) -> None:
    agent.restart("--interval 0.05" if host_state == "stuck" else "--interval 1")
    host = agent.guest.attach() if host_state != "absent" else None
    if host is not None and host_state == "reading":
        host.wait_for("metrics", timeout_seconds=20)
    if host_state == "stuck":
        # Nobody reads: a drain that waited for the host would not end.
        time.sleep(5)
    started = time.monotonic()
    agent.guest.check(f"systemctl stop {UNIT}")
    assert time.monotonic() - started <= STOP_TIMEOUT_SECONDS
    assert agent.show("Result") == "success"
    assert agent.show("ExecMainStatus") == "0"
    # CLD_EXITED: an exit status, not a signal.
    assert agent.show("ExecMainCode") == "1"
    if host is not None:
        host.leave()
