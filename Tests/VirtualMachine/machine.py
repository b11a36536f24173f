"""A real guest under QEMU, without KVM, with a real virtio port."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterable

from deadline import Deadline
from host import HostEnd
from image import CACHE, build_image, write_initramfs
from monitor import Monitor
from qemu_guest_agent import Completed, QemuGuestAgent

AGENT_PORT = "org.infinibay.agent"
BOOT_TIMEOUT_SECONDS = 120
CONSOLE_TAIL_LINES = 40


class GuestError(RuntimeError):
    """The guest did not do what was asked; the text carries its own words."""


@dataclass(frozen=True)
class Port:
    """One virtserialport: what names it in the guest, on the monitor and among the sockets."""

    name: str
    identity: str
    number: int


AGENT = Port(AGENT_PORT, "agent0", 1)
QEMU_GUEST_AGENT = Port("org.qemu.guest_agent.0", "qga0", 2)


class Guest:
    """Boots on construction and is up, with systemd settled, when the constructor returns.

        with Guest("example", trees=[Path("tree")]) as guest:
            print(guest.check("uname -r"))
            with guest.attach() as host:
                host.wait_for("handshake", timeout_seconds=1)
    """

    def __init__(
        self,
        label: str,
        trees: Iterable[Path] = (),
        extra_ports: Iterable[Port] = (),
        extra_arguments: Iterable[str] = (),
        unplugged: Iterable[Port] = (),
        disk: Path | None = None,
        keeps_changes: bool = False,
    ) -> None:
        """`disk` stands in for the image's own; it is written to only where `keeps_changes`."""
        # Under /tmp, not under the cache: a Unix socket's path ends at 108 bytes. mkdtemp gives
        # 0700, and a socket that runs commands in the guest as root needs that.
        self.folder = Path(tempfile.mkdtemp(prefix="vireo-vm-"))
        logs = CACHE / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        self.console_log = logs / f"{label}-{os.getpid()}.log"
        self._ports = (AGENT, QEMU_GUEST_AGENT, *extra_ports)
        # Their sockets are there, and `plug_port` makes them ports of the machine.
        self._unplugged = tuple(unplugged)
        self._process: subprocess.Popen[bytes] | None = None
        self._monitor: Monitor | None = None
        self._hand: QemuGuestAgent | None = None
        self._hosts: list[HostEnd] = []
        try:
            image = build_image()
            initramfs = self.folder / "initrd.img"
            write_initramfs(image, trees, initramfs)
            snapshot = "off" if keeps_changes else "on"
            drive = f"file={disk or image.root},if=virtio,format=raw,snapshot={snapshot}"
            self._launch(
                ["-kernel", str(image.kernel), "-initrd", str(initramfs), "-drive", drive],
                extra_arguments,
            )
            self._wait_until_up()
        except BaseException as error:
            self.close(keep_log=isinstance(error, Exception))
            raise

    def __enter__(self) -> Guest:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # Ctrl-C is no failure whose console somebody will want to read.
        self.close(keep_log=kind is not None and issubclass(kind, Exception))

    # The host's side of the machine.

    def socket_path(self, port: Port = AGENT) -> Path:
        return self.folder / f"{port.identity}.sock"

    def attach(self) -> HostEnd:
        """A host on the agent's port. QEMU serves one at a time; a second one is never answered."""
        host = HostEnd(self.socket_path())
        self._hosts.append(host)
        return host

    def detach_all(self) -> None:
        """Every host leaves, also one that a failed test has left behind for the next to meet."""
        for host in self._hosts:
            host.leave()
        self._hosts.clear()

    def qmp(self, command: str, timeout_seconds: float = 10.0, **arguments: Any) -> Any:
        return self._up(self._monitor).execute(command, timeout_seconds, **arguments)

    def unplug_port(self, port: Port = AGENT, timeout_seconds: float = 10.0) -> None:
        """Returns when QEMU has taken the device away; the guest hears of it a little later."""
        self.qmp("device_del", id=port.identity)
        self._up(self._monitor).wait_for_event(
            "DEVICE_DELETED", lambda data: data.get("device") == port.identity, timeout_seconds
        )

    def plug_port(self, port: Port = AGENT) -> None:
        self.qmp(
            "device_add", driver="virtserialport", bus="serial0.0", nr=port.number,
            chardev=port.identity, name=port.name, id=port.identity,
        )

    def lost_slots(self) -> int:
        """Slots of the agent's port that QEMU has taken from its queue to the host and not given back.

        Queues 0 and 1 are port 0's, 2 and 3 the device's own, 4 and 5 those of port 1.
        """
        status = self.qmp(
            "x-query-virtio-queue-status", path="/machine/peripheral/serial0/virtio-backend",
            queue=5)
        return (status["last-avail-idx"] - status["used-idx"]) % 65_536 - status["inuse"]

    # The inside of the guest, by way of qemu-ga, as root.

    @property
    def hand(self) -> QemuGuestAgent:
        return self._up(self._hand)

    def run(self, command: str | list[str], timeout_seconds: float = 30.0) -> Completed:
        """A shell's command line or an argument vector; `(exit_status, stdout, stderr)`."""
        return self.wait(self.start(command), timeout_seconds)

    def check(self, command: str | list[str], timeout_seconds: float = 30.0) -> str:
        """What the command printed; an exit status other than 0 is an error."""
        completed = self.run(command, timeout_seconds)
        if completed.exit_status != 0:
            raise GuestError(
                f"{command!r} ended with {completed.exit_status}: "
                f"{completed.stdout}{completed.stderr}"
            )
        return completed.stdout

    def start(self, command: str | list[str]) -> int:
        """Does not wait. The number is for `wait`, and is the process id in the guest."""
        arguments = ["/bin/sh", "-c", command] if isinstance(command, str) else command
        return self._up(self._hand).start(arguments)

    def wait(self, process: int, timeout_seconds: float) -> Completed:
        return self._up(self._hand).wait(process, timeout_seconds)

    def write_file(self, path: str, content: str) -> None:
        """Makes the folders above it. Root's, 0644."""
        arguments = ["/bin/sh", "-c", 'mkdir -p "$(dirname "$0")" && cat >"$0"', path]
        hand = self._up(self._hand)
        completed = hand.wait(hand.start(arguments, content.encode()), timeout_seconds=10)
        if completed.exit_status != 0:
            raise GuestError(f"{path}: {completed.stderr}")

    # Its life.

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def power_off(self, timeout_seconds: float = 60.0) -> None:
        """In an orderly way, and waits for it: what a disk that keeps its changes needs."""
        self.start("systemctl poweroff")
        try:
            assert self._process is not None
            self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired as error:
            raise GuestError(f"the guest did not power off\n{self.console()}") from error

    def console(self) -> str:
        """The end of what the guest's kernel and QEMU have said."""
        text = self.console_log.read_text(errors="replace") if self.console_log.exists() else ""
        return "\n".join(text.splitlines()[-CONSOLE_TAIL_LINES:])

    def close(self, keep_log: bool = False) -> None:
        """Ends QEMU, by its own process id, and removes what it left. May be called twice."""
        self.detach_all()
        for channel in (self._hand, self._monitor):
            if channel is not None:
                channel.close()
        if self._process is not None and self._process.poll() is None:
            # The image is a snapshot: there is nothing to shut down in an orderly way.
            self._process.terminate()
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
        if not keep_log:
            self.console_log.unlink(missing_ok=True)

    def _launch(self, boot: list[str], extra_arguments: Iterable[str]) -> None:
        arguments = [
            # A test run that is killed takes its guest with it.
            "setpriv", "--pdeathsig", "KILL", "--",
            "qemu-system-x86_64", *_accelerator(), "-m", "1024", "-smp", "2",
            "-nodefaults", "-display", "none", "-no-reboot",
            "-append", "console=ttyS0 quiet panic=-1", *boot,
            "-serial", f"file:{self.console_log}",
            "-qmp", f"unix:{self.folder}/qmp.sock,server=on,wait=off",
            "-device", "virtio-serial-pci,id=serial0",
        ]
        for port in self._ports:
            path = self.socket_path(port)
            arguments += [
                "-chardev", f"socket,id={port.identity},path={path},server=on,wait=off",
            ]
            if port in self._unplugged:
                continue
            arguments += [
                "-device", f"virtserialport,bus=serial0.0,nr={port.number},"
                f"chardev={port.identity},name={port.name},id={port.identity}",
            ]
        with open(self.folder / "qemu.log", "wb") as log:
            self._process = subprocess.Popen(
                [*arguments, *extra_arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                # Ctrl-C is for the harness, which then ends the guest in its own order.
                start_new_session=True,
            )

    def _wait_until_up(self) -> None:
        deadline = Deadline(BOOT_TIMEOUT_SECONDS)
        try:
            while not (self.folder / "qmp.sock").exists():
                self._raise_if_ended()
                time.sleep(0.01)
            self._monitor = Monitor(self.folder / "qmp.sock")
            self._hand = QemuGuestAgent(self.socket_path(QEMU_GUEST_AGENT))
            self._hand.synchronize(deadline.remaining_seconds)
            # A unit still starting would be measured together with the agent. "degraded" is also
            # an end: which unit failed is for a test to say, not for the boot.
            self.run("systemctl is-system-running --wait", deadline.remaining_seconds)
        except (OSError, TimeoutError) as error:
            self._raise_if_ended()
            raise GuestError(f"the guest did not come up: {error}\n{self.console()}") from error

    def _raise_if_ended(self) -> None:
        # QEMU needs a moment to die after it has closed a socket.
        time.sleep(0.05)
        if not self.is_running:
            said = (self.folder / "qemu.log").read_text(errors="replace")
            raise GuestError(f"QEMU ended:\n{said}{self.console()}")

    @staticmethod
    def _up(channel: Any) -> Any:
        if channel is None:
            raise GuestError("the guest is not up")
        return channel


def _accelerator() -> list[str]:
    # /dev/kvm can exist and yet hang the guest, so KVM is used only by somebody who asks for it.
    if os.environ.get("ACCEL") == "kvm":
        return ["-accel", "kvm", "-cpu", "host"]
    return ["-accel", "tcg,thread=multi", "-cpu", "max"]
