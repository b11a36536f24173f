"""Ours beside qemu-ga, in one guest and one boot: a request and its answer, and short commands.

The table is printed with `pytest -s` and kept in .build-vm/logs/peers-ENGINE.txt. What else runs on
the machine meets both, for they take turns; of commands, which take longer, the best round counts. The
short form fails on wrong answers alone, the long one (`make test-vm LONG=1`) on its figures too.
"""

from __future__ import annotations

import os
import statistics
import time
from collections import deque
from typing import Callable, Iterator

import pytest

from agent import Agent
from commanding import EXECUTOR, POLICY, Attended, allow
from image import CACHE
from machine import AGENT_PORT
from qemu_guest_agent import QemuGuestAgent

LONG = bool(os.environ.get("VIREO_LONG"))
ROUNDS = 5 if LONG else 1
REQUESTS = 1000 if LONG else 100
# Requests of one kind in a row, before the other's turn.
BATCH = 50
COMMANDS = 1000 if LONG else 30
AT_ONCE = 16
PROGRAM = "/bin/true"


@pytest.fixture
def qga(agent: Agent) -> QemuGuestAgent:
    """The hand of the tests inside the guest."""
    return agent.guest.hand


def keep(agent: Agent, text: str) -> None:
    print("\n" + text)
    folder = CACHE / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"peers-{agent.engine}.txt").open("a") as file:
        file.write(text + "\n")


def in_turn(ask: Callable[[], None], ping: Callable[[], None]) -> tuple[float, float]:
    """The median of each in microseconds. They take turns, so that a busy moment meets both."""
    times: list[list[float]] = [[], []]
    for _ in range(REQUESTS // BATCH):
        for row, request in zip(times, (ask, ping)):
            for _ in range(BATCH):
                started = time.perf_counter()
                request()
                row.append(time.perf_counter() - started)
    return statistics.median(times[0]) * 1e6, statistics.median(times[1]) * 1e6


def ask_c_loop(agent: Agent, ping: Callable[[], None]) -> tuple[float, float]:
    """A line of 100 B that a plain read, poll and write loop sends back: the floor."""
    agent.stop()
    process = agent.guest.start(f"exec port_loop --device /dev/virtio-ports/{AGENT_PORT} --answer 1")
    line = "x" * 99
    try:
        with agent.guest.attach() as host:
            # Until it has the port.
            host.send_line(line)
            host.receive_line(10)

            def ask() -> None:
                host.send_line(line)
                host.receive_line(10)

            return in_turn(ask, ping)
    finally:
        agent.guest.run("pkill port_loop")
        agent.guest.wait(process, 10)


def ask_ours(agent: Agent, ping: Callable[[], None]) -> tuple[float, float]:
    agent.start()
    with agent.guest.attach() as host:
        host.greet()
        host.wait_for("handshake", 10)
        number = 0

        def ask() -> None:
            nonlocal number
            number += 1
            host.send_line(f'{{"type":"keep_alive_request","sequence_number":{number}}}')
            while b'"type":"keep_alive"' not in host.receive_line(10):
                pass

        ask()
        return in_turn(ask, ping)


def test_a_request_is_answered_sooner_than_a_ping_of_qemu_ga(
    agent: Agent, qga: QemuGuestAgent
) -> None:
    agent.restart("--interval 3600")

    def ping() -> None:
        qga.execute("guest-ping")

    rows: dict[str, list[tuple[float, float]]] = {"C loop, 100 B": [], "vireod, keep_alive": []}
    for _ in range(ROUNDS):
        rows["C loop, 100 B"].append(ask_c_loop(agent, ping))
        rows["vireod, keep_alive"].append(ask_ours(agent, ping))
    lines = [
        f"request and answer on {agent.engine}, p50 in us, medians of {ROUNDS} x {REQUESTS}, "
        "in turn with qemu-ga's guest-ping"]
    ratios = {}
    for name, figures in rows.items():
        ours = statistics.median(figure[0] for figure in figures)
        theirs = statistics.median(figure[1] for figure in figures)
        ratios[name] = statistics.median(figure[0] / figure[1] for figure in figures)
        lines.append(f"  {name:20}{ours:9.0f}, guest-ping{theirs:9.0f}{ratios[name]:7.2f} x")
    keep(agent, "\n".join(lines))
    assert not LONG or ratios["vireod, keep_alive"] <= 0.6, lines


def run_by_qemu_ga(qga: QemuGuestAgent, count: int, at_once: int) -> float:
    started = time.perf_counter()
    running: deque[int] = deque()
    done = begun = 0
    while done < count:
        while begun < count and len(running) < at_once:
            running.append(qga.start([PROGRAM]))
            begun += 1
        process = running.popleft()
        if qga.execute("guest-exec-status", pid=process)["exited"]:
            done += 1
        else:
            running.append(process)
    return time.perf_counter() - started


def run_by_ours(agent: Agent, count: int, at_once: int) -> float:
    with agent.guest.attach() as end:
        host = Attended(end)
        epoch = host.epoch

        def start(number: int) -> None:
            host.send({
                "type": "Exec", "id": f"{at_once}-{started}-{number}", "epoch": epoch,
                "argv": [PROGRAM],
            })

        started = time.perf_counter()
        begun = done = 0
        while done < count:
            while begun < count and begun - done < at_once:
                start(begun)
                begun += 1
            response = host.wait_for("response")
            assert response["data"]["exit_code"] == 0, response
            done += 1
            host.send({"type": "ack", "epoch": epoch, "seq": response["seq"]})
        return time.perf_counter() - started


@pytest.fixture
def allowed(agent: Agent) -> Iterator[None]:
    allow(agent, "raw_commands: true\n")
    yield
    agent.guest.check(f"rm -f {POLICY}; systemctl stop {EXECUTOR}")


@pytest.mark.parametrize("at_once", [1, AT_ONCE])
def test_short_commands_beside_guest_exec(
    agent: Agent, qga: QemuGuestAgent, allowed: None, at_once: int
) -> None:
    agent.restart("--interval 3600")
    run_by_ours(agent, 4, 1)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        theirs.append(run_by_qemu_ga(qga, COMMANDS, at_once))
        ours.append(run_by_ours(agent, COMMANDS, at_once))
    ratio = min(ours) / min(theirs)
    keep(agent, f"{COMMANDS} x {PROGRAM} on {agent.engine}, {at_once} at once: "
         f"{min(ours):.2f} s by Exec, {min(theirs):.2f} s by guest-exec, {ratio:.2f} x")
    assert not LONG or ratio <= 1.2, ratio
