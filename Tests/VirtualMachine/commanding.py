"""What a host does that has commands run in a guest."""

from __future__ import annotations

from agent import Agent
from host import HostEnd, Message, last_handshake

POLICY = "/etc/vireo/policy.yaml"
EXECUTOR = "vireo-exec.service"


def allow(agent: Agent, policy: str) -> None:
    """Takes effect with the next command."""
    agent.guest.write_file(POLICY, policy)
    agent.guest.check(f"systemctl stop {EXECUTOR}")


def begin(host: HostEnd) -> Message:
    """Says that nothing has been received; the handshake."""
    host.greet()
    handshake = last_handshake(host)
    host.send_message({
        "type": "handshake_ack", "epoch": handshake["epoch"], "session": handshake["session"],
        "received": 0, "window": 262_144, "capabilities": ["ack"],
    })
    return handshake


def response_to(host: HostEnd, name: str) -> Message:
    while (message := host.wait_for("response", 20))["id"] != name:
        pass
    return message
