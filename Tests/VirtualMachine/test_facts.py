"""The table of facts about the guest's device, as far as the code relies on it.

Each test is one row. When one fails on another kernel or another QEMU, it is the design that has to
be looked at, not the figure. A comment says what the code does with a fact where that is not plain.
"""

from __future__ import annotations

import errno
import time
from typing import Callable

import pytest

from deadline import Deadline
from host import HostEnd
from machine import Guest
from probe import HUP, IN, OUT, Edge, Probe

WRITE_BYTES_MAX = 32_768
READ_BYTES_MAX = 4_096

CONTROL_BUFFERS = 32

# 128 slots of the queue and what the socket to the host holds, which varies by a few slots.
IN_FLIGHT_BYTES = range(4_000_000, 4_600_000)
IN_FLIGHT_BYTES_OF_SMALL_WRITES = range(30_000, 50_000)

# Long under emulation, where a wake-up may take some 10 ms; short beside a test.
SETTLE_SECONDS = 0.3

ENGINES = pytest.mark.parametrize("engine", ["epoll", "uring"])


def settle() -> None:
    time.sleep(SETTLE_SECONDS)


def refused(number: int, call: Callable[..., object], *arguments: object) -> None:
    with pytest.raises(OSError) as caught:
        call(*arguments)
    assert errno.errorcode.get(caught.value.errno) == errno.errorcode[number]


def fill(probe: Probe, port: int, write_bytes: int) -> int:
    """Writes until the queue stays full: at the first EAGAIN, QEMU still drains."""
    total = 0
    deadline = Deadline(timeout_seconds=20)
    while not deadline.has_passed:
        taken, stopped_by = probe.write_lines(port, write_bytes, count=100_000)
        assert stopped_by == errno.EAGAIN
        total += taken
        settle()
        if not probe.poll(port) & OUT:
            return total
    raise AssertionError(f"never full; {total} bytes taken")


def drain(host: HostEnd) -> bytes:
    received = bytearray()
    while True:
        try:
            received += host.receive_bytes(timeout_seconds=SETTLE_SECONDS)
        except TimeoutError:
            return bytes(received)


def read_until_empty(probe: Probe, port: int) -> list[bytes]:
    pieces = []
    while True:
        try:
            pieces.append(probe.read(port))
        except BlockingIOError:
            return pieces


def count(edges: list[Edge], events: int) -> int:
    return sum(1 for edge in edges if edge.events & events)


def without_repeats(edges: list[Edge]) -> list[Edge]:
    """Without those that followed the one before within a millisecond.

    QEMU gives the device one interrupt for the queues of all its ports unless `vectors` names a
    number for each, and the driver then looks into every queue: the interrupt of another port, the
    probe's answer here, wakes once more for a write that was told already, 17 to 63 us later. It
    came in 25 of 2,763 writes on a busy machine, and in none of 2,576 with `vectors=70`.
    """
    return [
        edge for before, edge in zip([None, *edges], edges)
        if before is None or edge.seconds - before.seconds > 0.001
    ]


# Reading and writing.


def test_a_write_takes_at_most_32_kib(facts_guest: Guest, probe: Probe) -> None:
    port = probe.open()
    with facts_guest.attach() as host:
        settle()
        for asked, taken in ((1, 1), (WRITE_BYTES_MAX, WRITE_BYTES_MAX),
                             (WRITE_BYTES_MAX + 1, WRITE_BYTES_MAX), (1 << 20, WRITE_BYTES_MAX)):
            assert probe.write(port, asked) == taken
        assert len(drain(host)) == 1 + 3 * WRITE_BYTES_MAX


def test_a_read_gives_at_most_4_kib(facts_guest: Guest, probe: Probe) -> None:
    port = probe.open()
    with facts_guest.attach() as host:
        host.send_bytes(b"h" * 40_000)
        settle()
        pieces = read_until_empty(probe, port)
        assert sum(map(len, pieces)) == 40_000
        assert max(map(len, pieces)) == READ_BYTES_MAX


def test_a_read_never_merges_what_the_host_sent_in_two_pieces(
    facts_guest: Guest, probe: Probe
) -> None:
    port = probe.open()
    with facts_guest.attach() as host:
        for piece in (b"one\n", b"two\n", b"three\n"):
            host.send_bytes(piece)
            settle()
        assert read_until_empty(probe, port) == [b"one\n", b"two\n", b"three\n"]


def test_without_a_host_a_read_gives_0_and_a_write_eagain(probe: Probe) -> None:
    port = probe.open()
    assert probe.poll(port) == IN | HUP
    assert probe.read(port) == b""
    refused(errno.EAGAIN, probe.write, port, 1)


def test_with_a_host_a_read_gives_eagain(facts_guest: Guest, probe: Probe) -> None:
    port = probe.open()
    with facts_guest.attach():
        settle()
        assert probe.poll(port) == OUT
        refused(errno.EAGAIN, probe.read, port)


def test_a_second_open_is_busy(probe: Probe) -> None:
    port = probe.open()
    refused(errno.EBUSY, probe.open)
    probe.close(port)
    probe.close(probe.open())


# Edges. They only wake; poll(fd, 0) decides.


@ENGINES
def test_each_change_of_the_host_is_one_edge(
    facts_guest: Guest, probe: Probe, engine: str
) -> None:
    port = probe.open()
    probe.watch(port, engine)
    settle()
    assert [edge.events for edge in probe.edges()] == [IN | HUP]
    for _ in range(3):
        host = facts_guest.attach()
        settle()
        assert [edge.events for edge in probe.edges()] == [OUT]
        host.leave()
        settle()
        assert [edge.events for edge in probe.edges()] == [IN | HUP]


@ENGINES
def test_data_from_the_host_is_an_edge_that_also_says_out(
    facts_guest: Guest, probe: Probe, engine: str
) -> None:
    port = probe.open()
    with facts_guest.attach() as host:
        settle()
        probe.watch(port, engine)
        settle()
        probe.edges()
        host.send_line("message")
        settle()
        assert [edge.events for edge in probe.edges()] == [IN | OUT]


@ENGINES
@pytest.mark.parametrize("host_reads", [True, False], ids=["read", "unread"])
def test_each_write_that_qemu_takes_is_an_out_edge(
    facts_guest: Guest, probe: Probe, engine: str, host_reads: bool
) -> None:
    """Nothing was blocked and the host did not change: an OUT edge is no proof of a new host.

    QEMU takes a write into its socket whether or not the host reads, so the host's reading changes
    nothing. Writes that follow each other without a gap share an edge.
    """
    port = probe.open()
    with facts_guest.attach() as host:
        settle()
        probe.watch(port, engine)
        settle()
        probe.edges()
        if host_reads:
            for _ in range(10):
                probe.write_lines(port, line_bytes=100, count=1)
                assert len(host.receive_bytes(timeout_seconds=20)) == 100
                time.sleep(0.05)
        else:
            probe.write_lines(port, line_bytes=100, count=10, gap_milliseconds=50)
        settle()
        edges = probe.edges()
        assert {edge.events for edge in edges} == {OUT}
        # One may merge with the next when this machine is busy.
        assert 5 <= len(without_repeats(edges)) <= 10

        drain(host)
        settle()
        assert probe.edges() == [], "the host's late reading is no edge"

        probe.write_lines(port, line_bytes=100, count=10)
        settle()
        assert 1 <= len(without_repeats(probe.edges())) <= 10


@ENGINES
def test_who_watches_for_input_alone_is_not_woken_by_its_own_writes(
    facts_guest: Guest, probe: Probe, engine: str
) -> None:
    """While a host is there and no write waits for room, OUT in the mask only costs wake-ups.

    Without it leaving still shows, as HUP always does. Returning does not.
    """
    port = probe.open()
    host = facts_guest.attach()
    settle()
    probe.watch(port, engine, IN)
    settle()
    assert probe.edges() == []
    probe.write_lines(port, line_bytes=100, count=10, gap_milliseconds=20)
    settle()
    assert probe.edges() == []
    host.leave()
    settle()
    assert [edge.events for edge in probe.edges()] == [IN | HUP]
    with facts_guest.attach():
        settle()
        assert probe.edges() == []


@ENGINES
def test_leaving_and_returning_can_merge_into_one_out_edge(
    facts_guest: Guest, probe: Probe, engine: str
) -> None:
    port = probe.open()
    host = facts_guest.attach()
    settle()
    probe.watch(port, engine)
    settle()
    probe.edges()
    for _ in range(5):
        with probe.stopped():
            host.leave()
            host = facts_guest.attach()
            settle()
        settle()
        assert [edge.events for edge in probe.edges()] == [OUT]


@ENGINES
def test_a_host_that_returns_at_once_while_writes_wait_is_still_an_out_edge(
    facts_guest: Guest, probe: Probe, engine: str
) -> None:
    port = probe.open()
    host = facts_guest.attach()
    settle()
    fill(probe, port, WRITE_BYTES_MAX)
    probe.watch(port, engine)
    settle()
    assert probe.edges() == [], "present, nothing to read, no room: no bit is set"
    host.leave()
    host = facts_guest.attach()
    settle()
    assert count(probe.edges(), OUT) >= 1
    assert probe.poll(port) == OUT
    host.leave()


def test_a_real_time_signal_counts_every_change_of_the_host(
    facts_guest: Guest, probe: Probe
) -> None:
    """What edges merge, O_ASYNC with F_SETSIG and a signalfd keeps apart.

    Leaving is one signal and returning another, at any speed. The agent's own writes give none,
    where they do give OUT edges. Data from the host does give some.
    """
    port = probe.open()
    host = facts_guest.attach()
    settle()
    probe.watch(port, "signal")
    settle()
    assert probe.edges() == []

    with probe.stopped():
        host.leave()
        host = facts_guest.attach()
        settle()
    settle()
    assert len(probe.edges()) == 2

    for _ in range(20):
        host.leave()
        host = facts_guest.attach()
        time.sleep(0.02)
        probe.write_lines(port, line_bytes=100, count=1)
    settle()
    assert len(probe.edges()) == 40

    probe.write_lines(port, line_bytes=100, count=10, gap_milliseconds=20)
    fill(probe, port, WRITE_BYTES_MAX)
    drain(host)
    assert probe.edges() == []

    host.send_line("message")
    settle()
    assert len(probe.edges()) >= 1
    host.leave()


# What is in flight.


@pytest.mark.parametrize(
    ("write_bytes", "in_flight"),
    [(WRITE_BYTES_MAX, IN_FLIGHT_BYTES), (100, IN_FLIGHT_BYTES_OF_SMALL_WRITES)],
    ids=["large", "small"],
)
def test_a_host_that_does_not_read_loses_nothing_and_the_queue_ends(
    facts_guest: Guest, probe: Probe, write_bytes: int, in_flight: range
) -> None:
    """Small writes fill the queue a hundred times sooner: one slot each, whatever is in it."""
    port = probe.open()
    with facts_guest.attach() as host:
        settle()
        taken = fill(probe, port, write_bytes)
        assert taken in in_flight
        assert len(drain(host)) == taken
        assert probe.poll(port) == OUT


def test_what_is_in_flight_when_the_host_leaves_is_lost_without_an_error(
    facts_guest: Guest, probe: Probe
) -> None:
    port = probe.open()
    host = facts_guest.attach()
    settle()
    fill(probe, port, WRITE_BYTES_MAX)
    host.leave()
    settle()
    assert probe.poll(port) == IN | HUP
    with facts_guest.attach() as host:
        settle()
        assert probe.write(port, 10) == 10
        assert drain(host) == b"w" * 10


def test_half_a_frame_of_a_killed_agent_is_glued_to_the_next_ones(
    facts_guest: Guest, probe: Probe
) -> None:
    port = probe.open()
    with facts_guest.attach() as host:
        settle()
        probe.write(port, 10)
        probe.close(port)
        port = probe.open()
        probe.write_lines(port, line_bytes=6, count=1)
        assert host.receive_line(timeout_seconds=20) == b"w" * 10 + b"g" * 5


def test_unread_input_is_discarded_at_close_and_kept_while_closed(
    facts_guest: Guest, probe: Probe
) -> None:
    """So the first lines after an open may be commands that were sent long ago."""
    port = probe.open()
    with facts_guest.attach() as host:
        host.send_line("discarded")
        settle()
        probe.close(port)
        host.send_line("kept")
        settle()
        port = probe.open()
        settle()
        assert read_until_empty(probe, port) == [b"kept\n"]


# The host's socket.


def test_a_second_host_connects_and_hears_nothing_until_the_first_leaves(
    facts_guest: Guest, probe: Probe
) -> None:
    port = probe.open()
    first = facts_guest.attach()
    settle()
    with facts_guest.attach() as second:
        second.send_line("patience")
        settle()
        probe.write_lines(port, line_bytes=10, count=1)
        refused(errno.EAGAIN, probe.read, port)
        with pytest.raises(TimeoutError):
            second.receive_bytes(timeout_seconds=1)
        first.leave()
        settle()
        assert probe.read(port) == b"patience\n"


def test_more_changes_than_the_control_queue_holds_can_leave_a_present_host_unseen(
    facts_guest: Guest, probe: Probe
) -> None:
    """QEMU drops a change when the guest has no control buffer left, and has 32 of them.

    No state of the guest's can be trusted after such a burst; the host's next change repairs it.
    So a host must not reconnect in a loop without a pause.
    """
    port = probe.open()
    probe.watch(port, "signal")
    settle()
    probe.edges()
    probe.occupy_processors(milliseconds=900)
    time.sleep(0.1)
    for _ in range(CONTROL_BUFFERS // 2):
        facts_guest.attach().leave()
    host = facts_guest.attach()
    time.sleep(1.5)
    assert len(probe.edges()) == CONTROL_BUFFERS
    assert probe.poll(port) == IN | HUP, "the host is there, and the guest was never told"
    host.leave()
    with facts_guest.attach():
        settle()
        assert probe.poll(port) == OUT


# Plugging.


def test_an_unplugged_port_is_dead_and_a_plugged_one_is_a_new_node(
    facts_guest: Guest, probe: Probe
) -> None:
    port = probe.open()
    with facts_guest.attach() as host:
        settle()
        facts_guest.unplug_port()
        settle()
        assert probe.poll(port) == HUP
        refused(errno.ENODEV, probe.read, port)
        refused(errno.ENODEV, probe.write, port, 1)
        refused(errno.ENOENT, probe.open)
        with pytest.raises(TimeoutError):
            host.receive_bytes(timeout_seconds=SETTLE_SECONDS)

        facts_guest.plug_port()
        settle()
        assert probe.poll(port) == HUP
        renewed = probe.open()
        settle()
        assert probe.poll(renewed) == OUT
        # The host never noticed: the same connection goes on.
        probe.write_lines(renewed, line_bytes=6, count=1)
        assert host.receive_line(timeout_seconds=20) == b"ggggg"


# io_uring.


def test_a_uring_read_parks_and_gives_0_when_the_host_leaves(
    facts_guest: Guest, probe: Probe
) -> None:
    port = probe.open()
    host = facts_guest.attach()
    settle()
    probe.start_uring_read(port, READ_BYTES_MAX)
    assert probe.end_uring_read(timeout_milliseconds=300) is None
    host.send_line("message")
    assert probe.end_uring_read(timeout_milliseconds=5_000) == 8

    probe.start_uring_read(port, READ_BYTES_MAX)
    assert probe.end_uring_read(timeout_milliseconds=300) is None
    host.leave()
    assert probe.end_uring_read(timeout_milliseconds=5_000) == 0

    # Armed again it would spin: 0 at once, for as long as no host is there.
    probe.start_uring_read(port, READ_BYTES_MAX)
    assert probe.end_uring_read(timeout_milliseconds=5_000) == 0


def test_a_parked_uring_read_ends_with_enodev_at_unplug(
    facts_guest: Guest, probe: Probe
) -> None:
    port = probe.open()
    with facts_guest.attach():
        settle()
        probe.start_uring_read(port, READ_BYTES_MAX)
        assert probe.end_uring_read(timeout_milliseconds=300) is None
        facts_guest.unplug_port()
        try:
            assert probe.end_uring_read(timeout_milliseconds=5_000) == -errno.ENODEV
        finally:
            facts_guest.plug_port()
            settle()
