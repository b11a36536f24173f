"""Commands over the real port: `vireo host exec` beside the guest, vireo-exec as systemd runs it.

The host attaches itself as an observer here, for no watch is there; through a watch the same is tested
without a guest.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Iterator

import pytest

from agent import Agent
from commanding import EXECUTOR, POLICY, Attended, allow
from deadline import Deadline

CLIENT_TIMEOUT_SECONDS = 60
OUTPUT_KEPT_BYTES = 524_288
GROUPS = f"/sys/fs/cgroup/system.slice/{EXECUTOR}"
# What a process calls itself that stands in a group to start commands there.
ZYGOTE = "vireo-zygote"

# What vireo-exec does by itself is the same whichever engine the agent has.
on_one_engine = pytest.mark.parametrize("engine", ["uring"], indirect=True)


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
    allow(agent, agent.guest.check("vireo config sample --policy allow-all"))
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
    for process in (executor_process(agent), agent.process):
        peak = agent.guest.check(f"awk '/^VmHWM:/ {{print $2}}' /proc/{process}/status")
        assert int(peak) < 65_536


@on_one_engine
def test_what_cannot_start_says_why(client: Client) -> None:
    client.agent.guest.check(
        "echo no program > /opt/noise; chmod 755 /opt/noise; echo > /opt/plain; chmod 644 /opt/plain")
    reasons = {
        ("/opt/none",): (127, b"does not exist"), ("/opt/plain",): (126, b"may not be executed"),
        ("/opt/noise",): (126, b"is no program (ENOEXEC)"),
        ("/bin/true", "x" * 99_000): (126, b"bytes of arguments"),
    }
    for command, (status, words) in reasons.items():
        done = client.run(*command)
        assert (done.returncode, words in done.stderr) == (status, True), done.stderr


# Prints what its group counted without another process: there is no room for one.
FORK_BOMB = (
    "group=/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup); bomb() { bomb | bomb & }; bomb; i=0; "
    "while [ $i -lt 2000 ]; do i=$((i+1)); done; read max count < $group/pids.events; echo $count; "
    "read count < $group/pids.max; echo $count")


@on_one_engine
def test_a_command_that_takes_all_it_can_get_takes_its_share(client: Client) -> None:
    agent = client.agent
    allow(agent, "raw_commands:\n  shells: [/bin/sh]\n  limits: {timeout: 20, processes: 20, "
          "memory_bytes: 33554432}\n")
    assert client.run("/bin/true").returncode == 0
    before = executor_process(agent), agent.process
    bombed = client.run("/bin/sh", "-c", FORK_BOMB)
    assert len(bombed.stdout.split()) == 2, bombed
    refused, most = bombed.stdout.split()
    # Room for the zygote is not of the command's twenty.
    assert int(refused) > 0 and most in (b"20", b"21"), bombed
    # Tail keeps all that may be its end, and this is one line. The group ends as a whole.
    hog = client.run("/bin/sh", "-c", "head -c 300000000 /dev/zero | tail -n 1; echo on")
    assert (hog.returncode, hog.stdout) == (137, b""), hog
    assert client.run("/bin/echo", "still").stdout == b"still\n"
    assert (executor_process(agent), agent.process) == before
    # A group is kept for the next command; nobody is left in it but who starts that.
    assert len(agent.guest.check(f"ls -d {GROUPS}/command-*/").split()) == 1
    assert set(members(agent).values()) <= {ZYGOTE}


def members(agent: Agent) -> dict[int, str]:
    """Processes in groups of commands, and their names."""
    listing = agent.guest.check(
        f"for p in $(cat {GROUPS}/command-*/cgroup.procs); do echo $p $(cat /proc/$p/comm); done")
    return {int(number): name for number, name in map(str.split, listing.splitlines())}


@on_one_engine
def test_a_zygote_starts_commands_where_clone3_is_refused(client: Client) -> None:
    """As in this unit, whose RestrictNamespaces= has the kernel know no clone3."""
    agent = client.agent
    assert client.run("/bin/true").returncode == 0
    deadline = Deadline(10)
    while list(members(agent).values()) != [ZYGOTE]:
        assert not deadline.has_passed, members(agent)
    zygotes = members(agent)
    for _ in range(5):
        told = client.run("/bin/sh", "-c", "echo $PPID; cat /proc/self/cgroup").stdout.decode().split()
        assert int(told[0]) == executor_process(agent)
        assert told[1].endswith(f"/{EXECUTOR}/command-1"), told
    assert members(agent) == zygotes
    agent.guest.check(f"kill -9 {executor_process(agent)}")
    deadline = Deadline(10)
    while agent.guest.run(["/usr/bin/pgrep", ZYGOTE]).stdout:
        assert not deadline.has_passed
    assert client.run("/bin/echo", "again").stdout == b"again\n"


def executor_process(agent: Agent) -> int:
    return int(agent.guest.check(f"systemctl show --value --property MainPID {EXECUTOR}"))


def test_a_host_that_leaves_while_a_command_runs_finds_its_answer(client: Client) -> None:
    guest = client.agent.guest
    guest.check("rm -f /opt/runs")
    command = {
        "type": "Exec", "id": "left-alone",
        "argv": ["/bin/sh", "-c", "echo run >> /opt/runs; sleep 2; echo done"],
    }
    with guest.attach() as end:
        host = Attended(end)
        command["epoch"] = host.epoch
        host.send(command)
        time.sleep(1)
    time.sleep(3)
    with guest.attach() as end:
        host = Attended(end)
        assert host.epoch == command["epoch"]
        first = host.wait_for("response", "left-alone")
        assert first["data"]["outcome"] == "exited" and first["data"]["exit_code"] == 0
        host.send({"type": "ack", "epoch": host.epoch, "seq": first["seq"]})
        # Asked again, it is not run again.
        host.send(command)
        again = host.wait_for("response", "left-alone")
        assert again["data"] == first["data"]
        host.send({**command, "id": "old", "epoch": "0" * 32})
        assert host.wait_for("response", "old")["error"] == "STALE"
    assert guest.check("cat /opt/runs") == "run\n"


@pytest.fixture
def own_folder() -> Iterator[Path]:
    """No key is taken from below /tmp, where everybody may make files."""
    with TemporaryDirectory(dir=Path.home(), prefix="vireo-test-") as folder:
        yield Path(folder)


@on_one_engine
def test_only_what_a_known_key_signed_runs(client: Client, own_folder: Path) -> None:
    def make(name: str) -> tuple[Path, str]:
        path = own_folder / name
        made = subprocess.run(
            [client.program, "config", "key", "--id", "ops-1", path], capture_output=True,
            text=True, check=True)
        return path, made.stdout

    key, grant = make("known")
    other, _ = make("other")
    allow(client.agent, "require_signature: all\nraw_commands: true\n"
          + grant.replace("[commands]", "[raw_commands]"))
    command = ("/usr/bin/id", "-u")
    assert client.run(*command).returncode == 126
    assert client.run(*command, flags=("-n", "--sign", str(other))).returncode == 126
    for _ in range(2):
        signed = client.run(*command, flags=("-n", "--sign", str(key)))
        assert (signed.returncode, signed.stdout) == (0, b"0\n"), signed


def envelope(handshake: dict, number: int, key: bytes, payload: str) -> dict:
    """Written from protocol.md alone."""
    members = {"alg": "hmac-sha256", "kid": "fleet", "vm": handshake["vm_id"],
               "epoch": handshake["epoch"], "n": number, "payload": payload}
    text = "vireo-signed-2\n" + "\n".join(str(value) for value in members.values())
    return {"type": "signed", "v": 2, **members,
            "sig": hmac.new(key, text.encode(), hashlib.sha256).hexdigest()}


def test_pending_scripts_run_when_they_are_wanted_allowed_and_signed(
    client: Client, tmp_path: Path
) -> None:
    agent = client.agent
    made = subprocess.run(
        [client.program, "config", "key", "--kind", "hmac-sha256", "--id", "fleet", tmp_path / "key"],
        capture_output=True, text=True, check=True)
    line = (tmp_path / "key").read_text()
    key = bytes.fromhex(line.split()[2])
    agent.guest.write_file("/etc/vireo/fleet.key", line)
    agent.guest.check("chmod 600 /etc/vireo/fleet.key; rm -f /opt/ran")
    allow(agent, "pending_scripts: {shells: [/bin/sh]}\nkeys:\n  - kid: fleet\n"
          "    algorithm: hmac-sha256\n    file: /etc/vireo/fleet.key\n    may: [pending_scripts]\n")
    assert "hmac-sha256" in made.stdout
    agent.guest.write_file("/etc/vireo/conf.d/scripts.yaml", "pending_scripts: true\n")
    scripts = [{"execution_id": f"s-{number}", "shell": "/bin/sh",
                "script_content": f"echo {number} >> /opt/ran; echo {number}"} for number in range(3)]
    try:
        agent.restart("--interval 3600")
        with agent.guest.attach() as end:
            host = Attended(end)
            host.wait_for("request_pending_scripts")
            plain = {"type": "pending_scripts_response", "scripts": scripts}
            host.send({**plain, "epoch": host.epoch})
            refused = [host.wait_for("response") for _ in scripts]
            assert {r["error"] for r in refused} == {"REFUSED_BY_POLICY"}, refused
            host.send(envelope(host.handshake, 1, b"another" * 5, json.dumps(plain)))
            refused = [host.wait_for("response") for _ in scripts]
            assert {r["error"] for r in refused} == {"PERMISSION_DENIED"}, refused
            host.send(envelope(host.handshake, 2, key, json.dumps(plain)))
            done = [host.wait_for("script_completion") for _ in scripts]
            assert {d["execution_id"]: (d["exit_code"], d["stdout"]) for d in done} == {
                f"s-{number}": (0, f"{number}\n") for number in range(3)}
        assert sorted(agent.guest.check("cat /opt/ran").split()) == ["0", "1", "2"]
    finally:
        agent.guest.check("rm -f /etc/vireo/conf.d/scripts.yaml /etc/vireo/fleet.key")
