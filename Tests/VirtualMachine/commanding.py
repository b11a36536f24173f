"""What a host does that has commands run in a guest."""

from __future__ import annotations

from agent import Agent
from deadline import Deadline
from host import HostEnd, Message

POLICY = "/etc/vireo/policy.yaml"
EXECUTOR = "vireo-exec.service"


def allow(agent: Agent, policy: str) -> None:
    """Takes effect with the next command."""
    agent.guest.write_file(POLICY, policy)
    agent.guest.check(f"systemctl stop {EXECUTOR}")


class Attended:
    """A host that answers every handshake, whenever one comes, and acknowledges at the end alone."""

    def __init__(self, host: HostEnd) -> None:
        self.host = host
        self.handshake: Message = {}
        host.greet()
        while not self.handshake:
            self._take(host.receive_message(10))

    @property
    def epoch(self) -> str:
        return self.handshake["epoch"]

    def send(self, message: Message) -> None:
        self.host.send_message(message)

    def wait_for(self, kind: str, name: str | None = None, timeout_seconds: float = 20) -> Message:
        """The next message of a type, or about one command."""
        deadline = Deadline(timeout_seconds)
        while True:
            message = self.host.receive_message(deadline.remaining_seconds)
            self._take(message)
            if message.get("type") == kind and name in (None, message.get("id")):
                return message

    def _take(self, message: Message) -> None:
        if message.get("type") != "handshake":
            return
        self.handshake = message
        self.send({
            "type": "handshake_ack", "epoch": message["epoch"], "session": message["session"],
            "received": 0, "window": 262_144, "capabilities": ["ack"],
        })
