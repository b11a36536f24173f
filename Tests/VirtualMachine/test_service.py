"""The service that ships, as systemd runs it: its sandbox, what it sees from within, its watchdog.

What the agent does on its port is test_agent.py's; this is what the unit adds to it and must not
take from it.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any, Iterator

import pytest

from agent import UNIT, Agent, installed_guest, wait_for_unit
from host import HostEnd, Message
from machine import Guest

PACKAGING = Path(__file__).resolve().parents[2] / ".packaging"
DROP_IN_NAME = f"{UNIT}.d"
DROP_INS = f"/etc/systemd/system/{DROP_IN_NAME}"
STATE = "/var/lib/vireo"
STALLED = "/etc/vireo/test.stalled"
STALL_LIBRARY = "/usr/lib/vireo-test/stall.so"
QUIET = "--interval 3600"

WATCHDOG_SECONDS = 10
RESTARTED_WITHIN_SECONDS = WATCHDOG_SECONDS + 2
# A sample waits for the guest's emulated disk now and then.
SAMPLE_TIMEOUT_SECONDS = 20.0
ANSWER_TIMEOUT_SECONDS = 10.0
SCORE = re.compile(r"Overall exposure level for [^:]*: ([0-9.]+)")


def build_stall_library(tree: Path) -> None:
    library = tree / STALL_LIBRARY.lstrip("/")
    library.parent.mkdir(parents=True, exist_ok=True)
    source = Path(__file__).with_name("stall.c")
    subprocess.run(
        ["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", str(source), "-o",
         str(library)],
        check=True)


def disk(folder: Path, name: str) -> list[str]:
    """QEMU's arguments for one more disk with a file system on it."""
    path = folder / f"{name}.img"
    subprocess.run(["truncate", "--size=24M", path], check=True)
    subprocess.run(["/usr/sbin/mkfs.ext4", "-q", "-F", path], check=True)
    return ["-drive", f"file={path},if=virtio,format=raw"]


@pytest.fixture(scope="module")
def guest(
    request: pytest.FixtureRequest, package: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Guest]:
    folder = tmp_path_factory.mktemp("service")
    build_stall_library(folder / "tree")
    guest = installed_guest(
        "service", [folder / "tree"],
        extra_arguments=[*disk(folder, "home"), *disk(folder, "late")])
    # /home is a file system of its own, as on many servers.
    guest.check("mount /dev/vdb /home")
    yield guest
    guest.close(keep_log=request.session.testsfailed > 0)


@pytest.fixture
def agent(guest: Guest) -> Iterator[Agent]:
    yield Agent(guest, "auto")
    guest.detach_all()
    guest.check(f"rm -f {DROP_INS}/[0-9]*.conf {STALLED}; systemctl daemon-reload")


def drop_in(agent: Agent, name: str, text: str) -> None:
    """Takes effect at the next start."""
    agent.guest.write_file(f"{DROP_INS}/50-{name}.conf", text)
    agent.guest.check("systemctl daemon-reload")


def link_drop_in(agent: Agent, name: str) -> None:
    agent.guest.check(f"ln -s /usr/share/vireo/{name}.conf {DROP_INS}/50-{name}.conf")
    agent.guest.check("systemctl daemon-reload")


def score(guest: Guest) -> float:
    found = SCORE.search(guest.check(f"systemd-analyze security --no-pager {UNIT}", 60))
    assert found is not None
    return float(found[1])


def metrics_from_within(host: HostEnd) -> dict[str, Any]:
    host.send_message({"type": "Metrics"})
    return host.wait_for("metrics", SAMPLE_TIMEOUT_SECONDS)["data"]


def metrics_from_outside(guest: Guest) -> dict[str, Any]:
    return json.loads(guest.check("vireo sample --json", 60))["data"]


def restart_attached(agent: Agent, flags: str) -> tuple[HostEnd, Message]:
    """The agent anew with a host on its port, its first sample over, and the handshake."""
    agent.stop()
    host = agent.guest.attach()
    agent.restart(flags)
    handshake = host.wait_for("handshake", SAMPLE_TIMEOUT_SECONDS)
    host.wait_for("metrics", SAMPLE_TIMEOUT_SECONDS)
    return host, handshake


# The sandbox.


def test_the_units_score_as_said(agent: Agent) -> None:
    assert score(agent.guest) <= 1.0
    link_drop_in(agent, "no-io-uring")
    assert score(agent.guest) <= 1.0
    link_drop_in(agent, "processes")
    assert score(agent.guest) <= 2.0
    # The runner of commands, from the sources: its unit ships when its program does.
    path = "/tmp/vireo-exec.service"
    agent.guest.write_file(path, (PACKAGING / "systemd/vireo-exec.service").read_text())
    found = SCORE.search(agent.guest.check(f"systemd-analyze security --offline=yes {path}", 60))
    assert found is not None and float(found[1]) <= 2.5


def test_the_agent_has_no_rights(agent: Agent) -> None:
    agent.restart(QUIET)
    status = agent.guest.check(f"cat /proc/{agent.process}/status")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert fields["CapEff"] == fields["CapBnd"] == "0" * 16
    assert fields["NoNewPrivs"] == "1" and fields["Seccomp"] == "2"
    user = agent.guest.check("id --user vireo").strip()
    assert set(fields["Uid"].split()) == {user}


def test_metrics_are_those_seen_from_outside(agent: Agent) -> None:
    guest = agent.guest
    host, _ = restart_attached(agent, QUIET)
    # A file system that is mounted while the agent runs.
    guest.check("mkdir -p /srv/late && mount /dev/vdc /srv/late")
    try:
        before = metrics_from_outside(guest)["system"]
        within = metrics_from_within(host)["system"]
        after = metrics_from_outside(guest)["system"]
    finally:
        guest.check("umount /srv/late")

    def file_systems(system: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
        return {row["mount_point"]: (row["device"], row["filesystem"], row["total_bytes"])
                for row in system["disk"]["usage_stats"]}

    assert set(file_systems(within)) >= {"/", "/home", "/srv/late"}
    assert file_systems(within) == file_systems(before)
    by_df = guest.check("df --block-size=1 --output=size / | tail -n 1").strip()
    assert file_systems(within)["/"][2] == int(by_df)

    def counters(system: dict[str, Any]) -> dict[str, int]:
        """Whatever only grows: between two looks from outside lies the one from within."""
        found = {f"cpu {mode}": value for mode, value in system["cpu"]["modes"].items()}
        for row in system["disk"]["disks"]:
            found |= {f"{row['name']} {key}": row[key] for key in ("read_bytes", "write_bytes")}
        for row in system["network"]["interfaces"]:
            found |= {f"{row['name']} {key}": row[key] for key in ("bytes_received", "bytes_sent")}
        return found

    lower, middle, upper = (counters(system) for system in (before, within, after))
    assert set(lower) == set(middle) == set(upper)
    assert {"vda read_bytes", "vdb read_bytes", "lo bytes_sent"} <= set(middle)
    for name, value in middle.items():
        assert lower[name] <= value <= upper[name], name

    for key in ("name", "ip_addresses", "is_up", "mac_address"):
        assert [row[key] for row in within["network"]["interfaces"]] == \
            [row[key] for row in before["network"]["interfaces"]], key
    assert len(within["cpu"]["cores"]) == len(before["cpu"]["cores"]) == int(guest.check("nproc"))
    for key in ("total_kb", "swap_total_kb"):
        assert within["memory"][key] == before["memory"][key]
    assert within["system"]["hostname"] == before["system"]["hostname"]
    assert set(within["pressure"]) == set(before["pressure"])


def executables(data: dict[str, Any]) -> dict[int, Any]:
    return {row["pid"]: row.get("exe_path") for row in data["processes"]}


def test_processes_are_seen_as_any_user_sees_them(agent: Agent) -> None:
    host, _ = restart_attached(agent, f"{QUIET} --processes 500")
    seen = executables(metrics_from_within(host))
    assert 1 in seen and seen[1] is None
    assert seen[agent.process] == "/usr/bin/vireod"
    listed = {int(pid) for pid in agent.guest.check("ps -e -o pid=").split()}
    # Those that ps itself and qemu-ga start come and go.
    assert len(listed ^ set(seen)) <= 8


def test_with_the_drop_in_processes_are_seen_as_root_sees_them(agent: Agent) -> None:
    link_drop_in(agent, "processes")
    host, _ = restart_attached(agent, f"{QUIET} --processes 500")
    seen = executables(metrics_from_within(host))
    guest = agent.guest
    for name in ("systemd-journal", "systemd-udevd", "dbus-daemon", "systemd", "qemu-ga"):
        pid = int(guest.check(f"pgrep --oldest --exact {name}"))
        assert seen[pid] == guest.check(f"readlink /proc/{pid}/exe").strip(), name
    assert guest.check(f"ps -o user= -p {agent.process}").strip() == "vireo"


def test_without_io_uring_it_runs_on_epoll_and_says_so(agent: Agent) -> None:
    link_drop_in(agent, "no-io-uring")
    host, _ = restart_attached(agent, "--interval 1")
    host.wait_for("metrics", SAMPLE_TIMEOUT_SECONDS)
    assert "engine epoll" in agent.show("StatusText")
    assert re.search("io_uring.*(EPERM|not permitted)", agent.journal(), re.IGNORECASE)
    assert "anon_inode:[io_uring]" not in agent.descriptors()


# The watchdog.


def inject(agent: Agent, command: str) -> float:
    """Runs it in the guest and returns when that was, by the guest's monotonic clock."""
    printed = agent.guest.check(f"cut -d ' ' -f 1 /proc/uptime && {command}")
    return float(printed.split()[0])


def expect_restart(agent: Agent, host: HostEnd, first: Message, since: float) -> None:
    """A new epoch on the host, and READY in time by the guest's own clock."""
    again = host.wait_for("handshake", RESTARTED_WITHIN_SECONDS + 10)
    assert again["epoch"] != first["epoch"]
    wait_for_unit(agent.guest, "active", timeout_seconds=10)
    assert int(agent.show("NRestarts")) >= 1
    assert "Watchdog timeout" in agent.journal()
    seconds = int(agent.show("ActiveEnterTimestampMonotonic")) / 1e6 - since
    assert 0 < seconds <= RESTARTED_WITHIN_SECONDS, f"{seconds:.1f} s"


def test_a_stopped_agent_is_restarted(agent: Agent) -> None:
    host, first = restart_attached(agent, "--interval 1")
    process = agent.process
    expect_restart(agent, host, first, inject(agent, f"kill -STOP {process}"))
    assert agent.process != process


@pytest.mark.parametrize("engine", ["uring", "epoll"])
def test_a_loop_that_stalls_is_restarted(agent: Agent, engine: str) -> None:
    """The sampler's thread and the timers go on; only the loop does not come back."""
    agent.engine = engine
    drop_in(agent, "stall", f"[Service]\nEnvironment=LD_PRELOAD={STALL_LIBRARY}\n")
    host, first = restart_attached(agent, "--interval 0.2")
    process = agent.process
    expect_restart(agent, host, first, inject(agent, f"echo {process} >{STALLED}"))
    assert agent.process != process


# What goes wrong around it.


def test_reload_keeps_the_process_and_the_session(agent: Agent) -> None:
    host, _ = restart_attached(agent, "--interval 1")
    process = agent.process
    agent.guest.check(f"systemctl reload {UNIT}")
    host.wait_for("metrics", SAMPLE_TIMEOUT_SECONDS)
    assert agent.show("ActiveState") == "active"
    assert agent.process == process
    assert "host connected" in agent.show("StatusText")


def test_stopped_while_busy_it_drains_and_ends_with_success(agent: Agent) -> None:
    host, _ = restart_attached(agent, "--interval 0.05")
    host.wait_for("metrics", SAMPLE_TIMEOUT_SECONDS)
    stop = agent.guest.start(f"systemctl stop {UNIT}")
    started = time.monotonic()
    line = b""
    try:
        while True:
            line = host.receive_line(timeout_seconds=2)
            if line:
                json.loads(line)
    except TimeoutError:
        pass
    assert agent.guest.wait(stop, timeout_seconds=10).exit_status == 0
    assert agent.show("Result") == "success" and agent.show("ExecMainStatus") == "0"
    exited = int(agent.show("ExecMainExitTimestampMonotonic"))
    assert exited > 0 and time.monotonic() - started < 10
    # systemd stamps when it asked the unit to stop, and when its main process was gone.
    asked = int(agent.show("ActiveExitTimestampMonotonic"))
    assert (exited - asked) / 1e6 <= 2.0
    assert host.malformed == []


def test_out_of_memory_it_is_killed_alone_and_comes_back(agent: Agent) -> None:
    host, first = restart_attached(agent, "--interval 1")
    limit = f"systemctl set-property --runtime {UNIT} MemoryHigh=infinity MemoryMax"
    agent.guest.check(f"{limit}=2M")
    try:
        deadline = time.monotonic() + 30
        while "oom-kill" not in agent.journal(200):
            assert time.monotonic() < deadline, agent.journal()
            time.sleep(0.5)
    finally:
        agent.guest.check(f"{limit}=64M")
    again = host.wait_for("handshake", SAMPLE_TIMEOUT_SECONDS)
    assert again["epoch"] != first["epoch"]
    wait_for_unit(agent.guest, "active", timeout_seconds=10)
    agent.guest.check(f"rm -r /run/systemd/system.control/{DROP_IN_NAME}; systemctl daemon-reload")


@pytest.mark.parametrize("state", ["full", "read-only"])
def test_state_that_cannot_be_written_takes_no_metrics_away(agent: Agent, state: str) -> None:
    guest = agent.guest
    agent.stop()
    owner = "uid=$(id --user vireo),gid=$(id --group vireo),mode=0700"
    options = f"size=4k,{owner}" if state == "full" else f"ro,{owner}"
    guest.check(f"mount -t tmpfs -o {options} state {STATE}")
    try:
        if state == "full":
            guest.run(f"cat /dev/zero >{STATE}/fill")
        host, _ = restart_attached(agent, "--interval 0.5")
        for _ in range(3):
            host.wait_for("metrics", SAMPLE_TIMEOUT_SECONDS)
        assert agent.show("ActiveState") == "active"
    finally:
        agent.stop()
        guest.check(f"umount {STATE}")


# The runner of commands.


def test_commands_are_handed_to_a_service_of_their_own(agent: Agent) -> None:
    """Started by its first connection, from within vireod's sandbox, and refusing by default."""
    guest = agent.guest
    socket = guest.check("stat --format '%U %G %a %F' /run/vireo/exec.sock").strip()
    assert socket == "root vireo 660 socket"
    assert guest.check("stat --format '%U %a' /run/vireo").strip() == "root 755"
    host, first = restart_attached(agent, QUIET)
    host.send_message({
        "type": "Exec", "id": "refused", "epoch": first["epoch"], "argv": ["/usr/bin/touch", "/x"],
    })
    answer = host.wait_for("response", ANSWER_TIMEOUT_SECONDS)
    assert answer["id"] == "refused" and answer["success"] is False
    assert guest.check("systemctl is-active vireo-exec.service").strip() == "active"
    assert guest.run("test -e /x").exit_status != 0
    refused = guest.run(
        "setpriv --reuid=65534 --regid=65534 --clear-groups "
        "perl -MIO::Socket::UNIX -e "
        "'IO::Socket::UNIX->new(Peer => \"/run/vireo/exec.sock\") or die \"$!\\n\"'")
    assert refused.exit_status != 0 and "Permission denied" in refused.stderr
