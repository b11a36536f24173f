"""Nothing lost, nothing twice: numbered messages over a real port, with hosts that leave.

The short form runs with all others. `make test-vm LONG=1` runs the long one, and its figures stand in
the README.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from typing import Iterator

import pytest

from acknowledging_host import WINDOWS, AcknowledgingHost
from agent import UNIT, Agent, installed_guest
from host import HostEnd, last_handshake
from machine import Guest

LONG = bool(os.environ.get("VIREO_LONG"))
DROPS = 1000 if LONG else 60
KILLS = 100 if LONG else 5
MESSAGES = 100_000 if LONG else 0
RECOVERY_SECONDS = 1.0
# Samples of a guest under emulation take tens of milliseconds each.
FLOW = "--interval 0.05 --processes 200"
# With a host that asks for the next as it reads one.
QUICK_FLOW = "--interval 0.05 --processes 0"


@pytest.fixture(scope="module")
def agent_guest(
    request: pytest.FixtureRequest, package: None, peers_tree: Path, engine: str
) -> Iterator[Guest]:
    """One for each engine: of 128 slots, QEMU loses one with each host that leaves in the middle of
    what is on its way to it (test_lost_queue.py), which is one in 12 to 15 of these."""
    guest = installed_guest(f"session-{engine}", [peers_tree])
    yield guest
    guest.close(keep_log=request.session.testsfailed > 0)


def seed() -> int:
    given = os.environ.get("VIREO_SEED")
    return int(given) if given else random.randrange(2**32)


def host_of(agent: Agent, value: int, asks: bool = False) -> AcknowledgingHost:
    return AcknowledgingHost(agent.guest.socket_path(), value, asks)


def report(name: str, agent: Agent, host: AcknowledgingHost, value: int, **more: object) -> None:
    tally = host.tally
    figures = {
        "seed": value, "connections": tally.connections, "messages": host.count,
        "losing drops": tally.losing_drops, "cut lines": tally.cut_lines,
        "repeated": tally.repeated, "discarded": tally.discarded,
        "unseen": tally.unseen,
        "skipped": tally.skipped_numbers,
        "recovery p50": f"{tally.recovery(0.5):.3f} s",
        "recovery p99": f"{tally.recovery(0.99):.3f} s", "slots lost": agent.guest.lost_slots(),
        **more,
    }
    text = ", ".join(f"{key} {value}" for key, value in figures.items())
    print(f"\n{name} on {agent.engine}: {text}")


def test_hosts_that_leave_at_any_time_lose_nothing(agent: Agent) -> None:
    """A third leave in mid-frame, a tenth return at once, half lose what was written."""
    value = seed()
    agent.restart(FLOW)
    host = host_of(agent, value)
    choices = random.Random(value + 1)
    host.play(1.5, float("inf"))
    descriptors, own = len(agent.descriptors()), agent.own_bytes()
    for drop in range(DROPS):
        host.play(choices.choice((0.02, 0.1, 0.25)), choices.choice((700, 3000, 20_000, 1 << 20)))
        if drop % 10:
            # Not in a tight loop: QEMU drops an arrival when the guest has 32 of them unread.
            time.sleep(choices.choice((0.0, 0.02, 0.1)))
    host.play(2.0, float("inf"), stays_lazy=False)
    grown = agent.own_bytes() - own
    report("drops", agent, host, value, grown=f"{grown >> 10} KiB")
    assert len(host.rows) == 1, f"seed {value}: one life, one epoch"
    assert host.count >= DROPS // 2, f"seed {value}"
    assert host.tally.skipped_numbers == 0
    assert host.tally.losing_drops >= DROPS // 4, f"seed {value}: the drops cost nothing"
    if LONG:
        assert host.tally.losing_drops >= 500 and host.tally.cut_lines >= 200
        assert host.tally.recovery(0.99) <= RECOVERY_SECONDS
    assert len(agent.descriptors()) == descriptors
    assert grown < 2 << 20, f"seed {value}"


def test_an_agent_that_is_killed_begins_another_epoch_and_repeats_nothing(agent: Agent) -> None:
    value = seed()
    agent.restart(QUICK_FLOW)
    host = host_of(agent, value, asks=True)
    # The flow goes on: a host that says less than its window holds would stop it until it leaves.
    host.windows, host.laziness = WINDOWS[1:], (1, 3, 20)
    choices = random.Random(value + 1)
    started = time.monotonic()
    host.play(1.0, float("inf"))
    for _ in range(KILLS):
        agent.guest.check(f"systemctl kill --signal KILL {UNIT}")
        wanted = host.count + MESSAGES // KILLS
        host.play(choices.choice((1.5, 2.5)), float("inf"))
        while host.count < wanted:
            host.play(choices.choice((0.5, 2.0, 5.0)), float("inf"))
    host.play(1.5, float("inf"), stays_lazy=False)
    rate = host.count / (time.monotonic() - started)
    report("kills", agent, host, value, epochs=len(host.rows), rate=f"{rate:.0f}/s")
    assert len(host.rows) == KILLS + 1, f"seed {value}"
    assert host.count >= MESSAGES


def test_a_port_unplugged_under_its_host_loses_nothing(agent: Agent) -> None:
    """The host sees nothing of it: its connection stays, and the half of a frame that is in it ends
    with the newline of the next session."""
    value = seed()
    agent.restart(FLOW)
    host = host_of(agent, value, asks=True)

    def replug() -> None:
        time.sleep(0.5)
        agent.guest.unplug_port()
        time.sleep(0.2)
        agent.guest.plug_port()

    for _ in range(3):
        host.meanwhile = replug
        connections, before = host.tally.connections, host.count
        host.play(6.0, float("inf"))
        assert host.meanwhile is None and host.count > before, f"seed {value}"
        assert host.tally.connections == connections + 1, f"seed {value}: it had to attach again"
    host.play(2.0, float("inf"), stays_lazy=False)
    report("unplugged", agent, host, value, sessions=max(host.sessions.values()))
    assert len(host.rows) == 1 and host.tally.skipped_numbers == 0, f"seed {value}"


def test_a_slow_reader_stops_the_flow_at_its_window(agent: Agent) -> None:
    """4.4 MB fit into the queue of the port; the window lets far less go."""
    agent.stop()
    with agent.guest.attach() as host:
        agent.restart(FLOW)
        handshake = host.wait_for("handshake", timeout_seconds=20)
        host.send_message({
            "type": "handshake_ack", "epoch": handshake["epoch"],
            "session": handshake["session"], "received": 0, "window": 32_768,
            "capabilities": ["ack"],
        })
        time.sleep(6)
        numbers = received_numbers(host)
    assert numbers == list(range(1, len(numbers) + 1))
    assert total_bytes(host) <= 32_768 or len(numbers) == 1


def received_numbers(host: HostEnd) -> list[int]:
    """All that has come, until nothing does for a second; up to the next handshake."""
    numbers: list[int] = []
    host.bytes_of_numbers = 0  # type: ignore[attr-defined]
    while True:
        try:
            line = host.receive_line(1.0)
        except TimeoutError:
            return numbers
        if b'"type":"handshake"' in line and numbers:
            return numbers
        if b'"seq":' in line:
            numbers.append(int(line.split(b'"seq":')[1].split(b",")[0]))
            host.bytes_of_numbers += len(line) + 1  # type: ignore[attr-defined]


def total_bytes(host: HostEnd) -> int:
    return host.bytes_of_numbers  # type: ignore[attr-defined]


@pytest.mark.parametrize("answers", ["no", "observer", "other epoch", "other session", "late"])
def test_odd_answers_lose_nothing(agent: Agent, answers: str) -> None:
    """Whatever a host says to the handshake, the next one that acknowledges gets every number."""
    value = seed()
    agent.restart(FLOW)
    host = host_of(agent, value)
    host.play(1.0, float("inf"))
    with agent.guest.attach() as odd:
        odd.greet()
        handshake = last_handshake(odd)
        answer = {
            "type": "handshake_ack", "epoch": handshake["epoch"],
            "session": handshake["session"], "received": host.count, "window": 65_536,
            "capabilities": ["ack"],
        }
        if answers == "observer":
            answer["observer"] = True
        elif answers == "other epoch":
            answer["epoch"] = "0" * 32
        elif answers == "other session":
            answer["session"] += 7
        elif answers == "late":
            time.sleep(2.5)
        if answers != "no":
            odd.send_message(answer)
        if answers == "late":
            assert odd.wait_for("metrics", timeout_seconds=20)["seq"] == host.count + 1
        else:
            # An agent that was acknowledged once never falls back to messages without numbers.
            with pytest.raises(TimeoutError):
                odd.wait_for("metrics", timeout_seconds=3.0)
    host.play(2.0, float("inf"), stays_lazy=False)
    assert host.tally.skipped_numbers == 0
