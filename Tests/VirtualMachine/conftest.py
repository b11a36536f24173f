"""Tests in a real guest: Debian with systemd and udev, under QEMU without KVM, over a real port.

    /usr/bin/python3 -m pytest Tests/VirtualMachine -q                          everything
    /usr/bin/python3 -m pytest Tests/VirtualMachine/test_facts.py -q            the driver only
    VIREO_PACKAGE=vireo.deb /usr/bin/python3 -m pytest Tests/VirtualMachine/test_agent.py -q

Debian's python3, python3-pytest and the standard library are all it takes, beside the tools that
image.sh names and gcc with liburing-dev for the probe. The image is built on first use, about 20 s,
and cached under .build-vm/ (or VIREO_VM_CACHE). A guest boots in 6 to 15 s; each file of tests has
one of its own, for all of its tests, so files can be run side by side: `-n 2 --dist loadfile`.

VIREO_PACKAGE is the package that `make deb` built. A guest installs it with apt, as anybody would, and
its disk is kept for the others (`installed_disk`); the folder guest/ here adds the drop-in by which the
tests give the agent its flags.

ACCEL=kvm asks for KVM. When a test fails, the guest's console is kept in .build-vm/logs/.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Generator, Iterator

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from agent import Agent, AgentMissing, installed_guest, package_path  # noqa: E402
from machine import Guest  # noqa: E402
from probe import CONTROL, Probe, build_port_loop, build_probe  # noqa: E402


@pytest.fixture(scope="session")
def probe_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = tmp_path_factory.mktemp("probe")
    build_probe(tree)
    return tree


@pytest.fixture(scope="session")
def facts_guest(request: pytest.FixtureRequest, probe_tree: Path) -> Iterator[Guest]:
    """A guest without an agent: the port is the probe's alone."""
    guest = Guest("facts", trees=[probe_tree], extra_ports=[CONTROL])
    yield guest
    guest.close(keep_log=request.session.testsfailed > 0)


@pytest.fixture
def probe(facts_guest: Guest) -> Iterator[Probe]:
    probe = Probe(facts_guest)
    yield probe
    facts_guest.detach_all()
    probe.end()


@pytest.fixture(scope="session")
def peers_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = tmp_path_factory.mktemp("peers")
    build_port_loop(tree / "usr/bin")
    return tree


@pytest.fixture(scope="session")
def package() -> None:
    """Without the package its tests fail: a skipped proof proves nothing."""
    try:
        package_path()
    except AgentMissing as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def agent_guest(
    request: pytest.FixtureRequest, package: None, peers_tree: Path
) -> Iterator[Guest]:
    """A guest with the package installed, for all files whose tests take the agent as it is."""
    guest = installed_guest("agent", [peers_tree])
    yield guest
    guest.close(keep_log=request.session.testsfailed > 0)


@pytest.fixture(scope="module", params=["uring", "epoll"])
def engine(request: pytest.FixtureRequest) -> str:
    """Module scope lets pytest run all tests of one engine before those of the other."""
    return request.param


@pytest.fixture
def agent(agent_guest: Guest, engine: str) -> Iterator[Agent]:
    yield Agent(agent_guest, engine)
    agent_guest.detach_all()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, None]:
    """What the agent said is inside a guest that is gone when somebody reads the failure."""
    report = (yield).get_result()
    agent = getattr(item, "funcargs", {}).get("agent")
    if report.failed and isinstance(agent, Agent) and agent.guest.is_running:
        report.sections.append(("the journal of vireod", agent.journal()))
