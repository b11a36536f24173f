"""Commands over the real port: `vireo host exec` beside the guest, vireo-exec as systemd runs it.

The host attaches itself as an observer here, for no watch is there; through a watch the same is tested
without a guest.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Iterator

import pytest

from agent import Agent

POLICY = "/etc/vireo/policy.yaml"
EXECUTOR = "vireo-exec.service"
CLIENT_TIMEOUT_SECONDS = 60
OUTPUT_KEPT_BYTES = 524_288


class Client:
    """`vireo host exec` on the guest's socket."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.program = Path(os.environ["VIREO_GUEST_TREE"]) / "usr/bin/vireo"

    def run(
        self, *command: str, flags: tuple[str, ...] = ("-n",), standard_input: bytes | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [self.program, "host", "exec", *flags, self.agent.guest.socket_path(), "--", *command],
            capture_output=True, input=standard_input, timeout=CLIENT_TIMEOUT_SECONDS, check=False)

    def response(self, *command: str, flags: tuple[str, ...] = ()) -> dict:
        lines = self.run(*command, flags=("-n", "--json", *flags)).stdout.splitlines()
        return next(m for m in map(json.loads, lines) if m["type"] == "response")


@pytest.fixture
def client(agent: Agent) -> Iterator[Client]:
    """With a policy that allows everything, as `vireo config sample` prints it."""
    agent.guest.check(
        f"vireo config sample --policy allow-all > {POLICY}; systemctl stop {EXECUTOR}")
    agent.restart("--interval 3600")
    yield Client(agent)
    agent.guest.check(f"rm -f {POLICY}; systemctl stop {EXECUTOR}")


def test_by_default_nothing_runs(agent: Agent) -> None:
    agent.guest.check(f"rm -f {POLICY} /x; systemctl stop {EXECUTOR}")
    agent.restart("--interval 3600")
    done = Client(agent).run("/usr/bin/touch", "/x")
    assert done.returncode == 126 and b"refused" in done.stderr
    assert agent.guest.run("test -e /x").exit_status != 0


def test_output_input_and_status_come_through_the_port(client: Client) -> None:
    kernel = client.agent.guest.check("uname -r").encode()
    assert client.run("/usr/bin/uname", "-r").stdout == kernel
    failed = client.run("/bin/sh", "-c", "echo out; echo err >&2; exit 7")
    assert (failed.returncode, failed.stdout, failed.stderr) == (7, b"out\n", b"err\n")
    data = bytes(range(256)) * 300
    copied = client.run("/usr/bin/cat", flags=(), standard_input=data)
    assert copied.returncode == 0 and copied.stdout == data
    assert client.run("/nonexistent").returncode == 127


def test_a_command_that_will_not_end_is_gone_with_all_that_it_left(client: Client) -> None:
    started = time.monotonic()
    done = client.run(
        "/bin/sh", "-c", "trap '' TERM; setsid sleep 4242 & sleep 4242", flags=("-n", "--timeout", "1"))
    assert done.returncode == 124
    time.sleep(max(0.0, 4.0 - (time.monotonic() - started)))
    assert client.agent.guest.run(["/usr/bin/pgrep", "-f", "sleep 4242"]).stdout == ""


def test_each_command_has_a_group_of_its_own_and_few_variables(client: Client) -> None:
    assert client.response("/bin/true")["data"]["isolation"] == "cgroup"
    group = client.run("/usr/bin/cat", "/proc/self/cgroup").stdout.decode().strip()
    assert f"/{EXECUTOR}/" in group
    assert len(client.run("/usr/bin/env").stdout.splitlines()) <= 8


def test_fifty_megabytes_are_capped_and_counted(client: Client) -> None:
    agent = client.agent
    command = "head -c 50000000 /dev/zero | tr '\\0' x"
    done = client.run("/bin/sh", "-c", command, flags=("-n", "--timeout", "50"))
    assert done.returncode == 0 and len(done.stdout) == OUTPUT_KEPT_BYTES
    assert b"50000000 bytes in all" in done.stderr
    executor = agent.guest.check(f"systemctl show --value --property MainPID {EXECUTOR}").strip()
    for process in (executor, str(agent.process)):
        peak = agent.guest.check(f"awk '/^VmHWM:/ {{print $2}}' /proc/{process}/status")
        assert int(peak) < 65_536
