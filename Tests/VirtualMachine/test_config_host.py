"""What `vireo config qemu` and `config libvirt` print, taken by QEMU and by libvirt's schema.

No guest runs here: QEMU is started with its processor stopped, and asked what it has.
"""

from __future__ import annotations

import os
import subprocess
import xml.etree.ElementTree as ElementTree
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

import pytest

from deadline import Deadline
from monitor import Monitor

USAGE = 64

# Each is a folder of its own, so that what QEMU binds shows that it has understood the path.
HOSTILE_NAMES = ["plain", "a,b", "it's", "two words", "<&>\"'", "$(id)`id`\\", "-dash", "ü", "a=b,,c"]


def vireo() -> Path:
    tree = os.environ.get("VIREO_GUEST_TREE")
    if not tree or not (Path(tree) / "usr/bin/vireo").is_file():
        pytest.fail(f"VIREO_GUEST_TREE={tree or ''} has no usr/bin/vireo: make vm-tree", pytrace=False)
    return Path(tree) / "usr/bin/vireo"


def config(kind: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [vireo(), "config", kind, *arguments], capture_output=True, text=True, check=False, timeout=10)


def printed(kind: str, *arguments: str) -> str:
    done = config(kind, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def qemu(arguments: str, folder: Path) -> Iterator[Monitor]:
    """QEMU with these arguments, as a shell reads them. Ended by its monitor."""
    socket = folder / "qmp.sock"
    command = (
        "exec qemu-system-x86_64 -accel tcg -S -display none -nodefaults "
        f"-qmp unix:{socket},server=on,wait=off {arguments}"
    )
    with (folder / "stderr").open("w+") as errors:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", "/bin/sh", "-c", command],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors)
        try:
            deadline = Deadline(20)
            while not socket.exists():
                assert process.poll() is None, (folder / "stderr").read_text()
                assert not deadline.has_passed, "QEMU's monitor did not come"
            monitor = Monitor(socket)
            yield monitor
            monitor.execute("quit")
            assert process.wait(timeout=10) == 0, (folder / "stderr").read_text()
            monitor.close()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_qemu_takes_the_arguments_and_binds_the_path(tmp_path_factory, name: str) -> None:
    folder = tmp_path_factory.mktemp("q")
    path = folder / name
    arguments = printed("qemu", "--name", "org.example.test-1", "--socket", str(path), "--id", "p.1_x-y")
    with qemu(arguments, folder) as monitor:
        assert path.is_socket()
        chardevs = {chardev["label"]: chardev for chardev in monitor.execute("query-chardev")}
        assert chardevs["p.1_x-y"]["frontend-open"] is False
        # The monitor names the port by this id when the guest opens and closes it.
        port = "/machine/peripheral/p.1_x-y"
        assert monitor.execute("qom-get", path=port, property="name") == "org.example.test-1"
        assert monitor.execute("qom-get", path=port, property="chardev") == "p.1_x-y"


def test_defaults_are_the_agents_own(tmp_path: Path) -> None:
    arguments = printed("qemu", "--socket", str(tmp_path / "s"))
    with qemu(arguments, tmp_path) as monitor:
        port = "/machine/peripheral/vireo0"
        assert monitor.execute("qom-get", path=port, property="name") == "org.infinibay.agent"


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_libvirt_takes_the_elements(tmp_path: Path, name: str) -> None:
    path = f"/run/vm/{name}.sock"
    elements = printed("libvirt", "--name", "org.example.test-1", "--socket", path)
    domain = tmp_path / "domain.xml"
    domain.write_text(
        "<domain type='qemu'><name>web</name><memory>65536</memory>"
        f"<os><type arch='x86_64'>hvm</type></os><devices>{elements}</devices></domain>"
    )
    done = subprocess.run(
        ["virt-xml-validate", domain, "domain"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    channel = ElementTree.parse(domain).find("./devices/channel")
    assert channel is not None
    assert channel.find("source").attrib == {"mode": "bind", "path": path}
    assert channel.find("target").attrib == {"type": "virtio", "name": "org.example.test-1"}
    assert channel.find("alias").attrib["name"].startswith("ua-")


def test_the_schema_would_tell(tmp_path: Path) -> None:
    """The check above can fail: the same domain with one word wrong is refused."""
    elements = printed("libvirt", "--socket", "/run/s").replace("type='unix'", "type='unit'")
    domain = tmp_path / "domain.xml"
    domain.write_text(
        "<domain type='qemu'><name>web</name><memory>65536</memory>"
        f"<os><type arch='x86_64'>hvm</type></os><devices>{elements}</devices></domain>"
    )
    assert subprocess.run(
        ["virt-xml-validate", domain, "domain"], capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize("kind", ["qemu", "libvirt"])
@pytest.mark.parametrize(("arguments", "word"), [
    (["--socket", "relative.sock"], "absolute"),
    (["--socket", "/" + "x" * 107], "107 bytes"),
    (["--socket", "/a\nb"], "control characters"),
    (["--socket", "/s", "--name", "a/b"], "no name of a virtio port"),
    (["--socket", "/s", "--name", "a,b"], "no name of a virtio port"),
    (["--socket", "/s", "--name", ""], "no name of a virtio port"),
    (["--socket", "/s", "--id", "1x"], "--id takes a letter"),
    (["--socket", "/s", "--id", "a,path=/etc"], "--id takes a letter"),
    ([], "--socket"),
])
def test_what_cannot_be_is_refused(kind: str, arguments: list[str], word: str) -> None:
    done = config(kind, *arguments)
    assert done.returncode == USAGE
    assert done.stdout == ""
    assert word in done.stderr
