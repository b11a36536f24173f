#!/usr/bin/python3
"""Boots the guest with the agent in it and runs a command against its port.

    VIREO_PACKAGE=vireo.deb Tests/VirtualMachine/vm.py -- vireo host watch {socket}

`{socket}` in the command stands for the path of the port's socket on the host. The guest ends when
the command does, Ctrl-C included, and the command's exit status is ours. Without a command the
guest runs until Ctrl-C.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from types import FrameType

from agent import AgentMissing, installed_guest
from image import ImageError
from machine import Guest, GuestError

USAGE = "usage: vm.py [-- COMMAND [ARGUMENT...]]   {socket} stands for the port's socket"
EXIT_USAGE = 64
EXIT_UNAVAILABLE = 69
CHILD_GRACE_SECONDS = 5


def main(arguments: list[str]) -> int:
    if arguments and arguments[0] != "--":
        print(USAGE, file=sys.stderr)
        return EXIT_USAGE
    signal.signal(signal.SIGTERM, _end)
    try:
        print("booting the guest, about 20 s without KVM; a minute more for a new package",
              file=sys.stderr)
        with installed_guest("vm") as guest:
            print(guest.socket_path(), flush=True)
            return _run(guest, arguments[1:])
    except (AgentMissing, GuestError, ImageError) as error:
        print(f"vm.py: {error}", file=sys.stderr)
        return EXIT_UNAVAILABLE
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _run(guest: Guest, command: list[str]) -> int:
    if not command:
        while guest.is_running:
            time.sleep(1)
        return EXIT_UNAVAILABLE
    socket = str(guest.socket_path())
    child = subprocess.Popen([argument.replace("{socket}", socket) for argument in command])
    try:
        return child.wait()
    except KeyboardInterrupt:
        # The terminal sends Ctrl-C to the command as well: let it end in its own way first.
        try:
            return child.wait(timeout=CHILD_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            return 128 + signal.SIGINT
    finally:
        if child.poll() is None:
            child.terminate()
            child.wait()


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
