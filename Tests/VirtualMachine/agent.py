"""vireod in the guest: the unit that runs it, and what the guest's kernel and systemd say of it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Iterable

from deadline import Deadline
from image import build_image
from machine import Guest, GuestError

PACKAGE_IN_GUEST = "/var/cache/vireo/vireo.deb"
INSTALL_TIMEOUT_SECONDS = 240
UNIT = "vireod.service"
ENVIRONMENT_FILE = "/etc/vireo/test.env"
DROP_IN = f"/etc/systemd/system/{UNIT}.d/test.conf"
GUEST_TREE = Path(__file__).resolve().parent / "guest"
START_TIMEOUT_SECONDS = 20
SETTLED_SECONDS = 3
SETTLE_TIMEOUT_SECONDS = 60


class AgentMissing(RuntimeError):
    """There is no package with vireod to install in the guest."""


def package_path() -> Path:
    """What VIREO_PACKAGE names."""
    named = os.environ.get("VIREO_PACKAGE")
    if not named or not Path(named).is_file():
        raise AgentMissing(
            f"VIREO_PACKAGE={named or ''} is no file: set it to the package that `make deb` built"
        )
    return Path(named)


def package_tree(folder: Path) -> Path:
    """A root tree with the package in it, for a guest that is to install it."""
    target = folder / PACKAGE_IN_GUEST.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(package_path(), target)
    return folder


def install_package(guest: Guest, *options: str) -> str:
    """As an administrator without a network does: the dependencies are in the image."""
    return guest.check(
        f"DEBIAN_FRONTEND=noninteractive apt-get install --yes {' '.join(options)} "
        f"{PACKAGE_IN_GUEST} 2>&1", INSTALL_TIMEOUT_SECONDS)


def installed_disk() -> Path:
    """The image's disk with the package on it, made once for each package and kept beside it.

    Under emulation apt takes half a minute, and the guests of many files of tests begin with it.
    What the package does when it is installed, upgraded and purged has tests of its own.
    """
    package = hashlib.sha256(package_path().read_bytes()).hexdigest()[:16]
    folder = build_image().root.parent
    disk = folder / f"installed-{package}.img"
    with TemporaryDirectory(prefix="vireo-package-") as name, open(folder / "lock", "w") as lock:
        # Two runs of tests may ask at once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if disk.exists():
            return disk
        for old in folder.glob("installed-*"):
            old.unlink()
        making = folder / "installed-making"
        subprocess.run(["cp", "--sparse=always", folder / "root.img", making], check=True)
        trees = [package_tree(Path(name))]
        with Guest("installing", trees=trees, disk=making, keeps_changes=True) as guest:
            install_package(guest)
            # Each guest of it is a machine of its own that no agent has run on.
            guest.check(
                f"systemctl stop {UNIT} && rm -rf /var/lib/vireo/* /var/lib/vireo/.[!.]* && "
                "journalctl --quiet --rotate && journalctl --quiet --vacuum-time=1s && "
                ": >/etc/machine-id && sync")
            guest.power_off()
        making.rename(disk)
        return disk


def installed_guest(
    label: str, trees: Iterable[Path] = (), extra_arguments: Iterable[str] = ()
) -> Guest:
    """A guest with the package installed and the drop-in by which a test gives the agent its flags."""
    return Guest(
        label, trees=[GUEST_TREE, *trees], extra_arguments=extra_arguments, disk=installed_disk())


def wait_for_unit(guest: Guest, state: str, timeout_seconds: float) -> None:
    deadline = Deadline(timeout_seconds)
    while (now := guest.run(["/usr/bin/systemctl", "is-active", UNIT]).stdout.strip()) != state:
        if deadline.has_passed:
            raise GuestError(f"{UNIT} is {now} and not {state} after {timeout_seconds} s")
        time.sleep(0.2)


class Agent:
    """One guest's agent on one engine. What it says of itself, the tests take from the port."""

    def __init__(self, guest: Guest, engine: str) -> None:
        self.guest = guest
        self.engine = engine

    def configure(self, flags: str, watchdog: bool = True) -> None:
        """Takes effect at the next start."""
        self.guest.write_file(ENVIRONMENT_FILE, f"VIREO_FLAGS=--engine {self.engine} {flags}\n")
        drop_in = "" if watchdog else "[Service]\nWatchdogSec=0\n"
        # Not each time: systemd takes seconds to reload under emulation.
        if self.guest.run(["/bin/cat", DROP_IN]).stdout != drop_in:
            self.guest.write_file(DROP_IN, drop_in)
            self.guest.check("systemctl daemon-reload")

    def start(self) -> None:
        """Returns once the agent has said READY=1."""
        started = self.guest.run(f"systemctl start {UNIT}", START_TIMEOUT_SECONDS)
        if started.exit_status != 0:
            raise GuestError(f"{UNIT} did not start: {started.stderr}\n{self.journal()}")

    def stop(self) -> None:
        self.guest.check(f"systemctl stop {UNIT}")

    def restart(self, flags: str = "--interval 1", watchdog: bool = True) -> None:
        self.stop()
        self.configure(flags, watchdog)
        self.start()

    def show(self, name: str) -> str:
        """One property of the unit, as `systemctl show` prints it."""
        return self.guest.check(f"systemctl show --value --property {name} {UNIT}").strip()

    @property
    def process(self) -> int:
        """Its process id in the guest."""
        return int(self.show("MainPID"))

    def descriptors(self) -> list[str]:
        """What its open descriptors are links to."""
        return self.guest.check(
            f"for link in /proc/{self.process}/fd/*; do readlink $link; done"
        ).splitlines()

    def own_bytes(self) -> int:
        """Memory that no file stands behind: the program's pages come and go with the cache."""
        kilobytes = self.guest.check(
            "awk '/^Rss(Anon|Shmem):/ {sum += $2} END {print sum}' "
            f"/proc/{self.process}/status")
        return int(kilobytes) * 1024

    def voluntary_context_switches(self) -> int:
        """Of all its threads: each wait that had to be woken up is one."""
        return int(self.guest.check(
            "awk '/^voluntary_ctxt_switches:/ {sum += $2} END {print sum}' "
            f"/proc/{self.process}/task/*/status"
        ))

    def settled_context_switches(self) -> int:
        """The count once its start is over, which takes a slow guest longer."""
        deadline = Deadline(SETTLE_TIMEOUT_SECONDS)
        before = self.voluntary_context_switches()
        while not deadline.has_passed:
            time.sleep(SETTLED_SECONDS)
            now = self.voluntary_context_switches()
            if now == before:
                break
            before = now
        return before

    def journal(self, lines: int = 60) -> str:
        show = f"journalctl --no-pager --output short-monotonic --lines {lines} --unit {UNIT}"
        return self.guest.run(show).stdout
