"""The package in a guest that boots without the port: installed, plugged, upgraded, purged.

The tests of this file are one story, told in its order on one guest.
"""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest

from agent import PACKAGE_IN_GUEST, UNIT, install_package, package_tree, wait_for_unit
from machine import AGENT, AGENT_PORT, Guest

NODE = f"/dev/virtio-ports/{AGENT_PORT}"
# A port that is plugged must reach the host as a handshake within this.
PLUG_TIMEOUT_SECONDS = 10.0
QUIET_SECONDS = 5


@pytest.fixture(scope="module")
def guest(
    request: pytest.FixtureRequest, package: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Guest]:
    # Without the drop-in of the tests: the unit is exactly what ships.
    trees = [package_tree(tmp_path_factory.mktemp("package"))]
    guest = Guest("package", trees=trees, unplugged=[AGENT])
    yield guest
    guest.close(keep_log=request.session.testsfailed > 0)


def show(guest: Guest, name: str) -> str:
    return guest.check(f"systemctl show --value --property {name} {UNIT}").strip()


def test_apt_install_is_all(guest: Guest) -> None:
    assert guest.run(f"test -e {NODE}").exit_status != 0
    said = install_package(guest)
    assert "vireo" in said
    assert guest.check("dpkg-query --show --showformat '${db:Status-Status}' vireo") == "installed"
    assert "virtio-ports" in guest.check("id --name --groups vireo").split()
    assert guest.check("vireod --version").strip() == guest.check("vireo --version").strip()


def test_without_a_port_nothing_runs(guest: Guest) -> None:
    assert show(guest, "ActiveState") == "inactive"
    assert guest.check("systemctl is-failed vireod || true").strip() == "inactive"


def test_a_port_plugged_later_starts_the_agent(guest: Guest) -> None:
    with guest.attach() as host:
        guest.plug_port()
        assert host.wait_for("handshake", PLUG_TIMEOUT_SECONDS)["vm_id"]
        # The first sample comes at once.
        host.wait_for("metrics", PLUG_TIMEOUT_SECONDS)
    assert guest.check(f"stat --dereference --format '%U %G %a' {NODE}").strip() == \
        "root virtio-ports 660"
    assert show(guest, "ActiveState") == "active"
    assert guest.check(f"ps -o user= -p {show(guest, 'MainPID')}").strip() == "vireo"


def test_systemctl_status_shows_what_the_agent_says(guest: Guest) -> None:
    status = guest.check("systemctl status --no-pager vireod")
    assert 'Status: "' in status
    assert AGENT_PORT in status and "engine uring" in status


def test_a_port_unplugged_for_good_leaves_a_waiting_agent(guest: Guest) -> None:
    before = show(guest, "MainPID")
    guest.unplug_port()
    guest.check(f"sleep {QUIET_SECONDS}")
    assert show(guest, "ActiveState") == "active"
    assert show(guest, "MainPID") == before
    assert show(guest, "NRestarts") == "0"
    assert guest.run(f"test -e {NODE}").exit_status != 0


def test_the_port_plugged_again_is_used_again(guest: Guest) -> None:
    before = show(guest, "MainPID")
    with guest.attach() as host:
        guest.plug_port()
        host.wait_for("handshake", PLUG_TIMEOUT_SECONDS)
    assert show(guest, "MainPID") == before


def test_an_upgrade_restarts_the_running_agent(guest: Guest) -> None:
    before = show(guest, "MainPID")
    guest.check("touch /var/lib/vireo/kept")
    with guest.attach() as host:
        install_package(guest, "--reinstall")
        host.wait_for("handshake", PLUG_TIMEOUT_SECONDS)
    assert show(guest, "ActiveState") == "active"
    assert show(guest, "MainPID") != before
    guest.check("test -e /var/lib/vireo/kept")


def test_a_stopped_agent_stays_stopped_over_an_upgrade(guest: Guest) -> None:
    guest.check("systemctl stop vireod")
    install_package(guest, "--reinstall")
    assert show(guest, "ActiveState") == "inactive"
    guest.check("systemctl start vireod")


def test_removing_stops_it_and_keeps_its_state(guest: Guest) -> None:
    guest.check("apt-get remove --yes vireo 2>&1", timeout_seconds=60)
    assert guest.run("pgrep --exact vireod").exit_status == 1
    guest.check("test -e /var/lib/vireo/kept")


def test_purging_leaves_nothing(guest: Guest) -> None:
    guest.check("apt-get purge --yes vireo 2>&1", timeout_seconds=60)
    left = guest.check(
        "find / -xdev -name '*vireo*' -not -path '/proc/*' -not -path '/sys/*' "
        f"-not -path '{Path(PACKAGE_IN_GUEST).parent}*' -not -path '/var/log/*' "
        "-not -path '/run/*' -not -path '/dev/*' 2>/dev/null || true").split()
    assert [path for path in left if not path.startswith("/var/cache/apt")] == []


def test_installed_with_the_port_there_it_starts_by_itself(guest: Guest) -> None:
    with guest.attach() as host:
        install_package(guest)
        host.wait_for("handshake", PLUG_TIMEOUT_SECONDS)
    wait_for_unit(guest, "active", timeout_seconds=10)
