"""The simulator's model of the port, held against the port.

Tests/SimulationTests plays the same scripts on the model, with the same observations expected. A
script that fails here and passes there says that the simulation proves something about another port.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Iterator

import pytest

from machine import Guest
from port_script import PortScript, is_long, load, names
from probe import CONTROL

LONG = bool(os.environ.get("VIREO_LONG"))


@pytest.fixture(scope="module")
def model_guest(request: pytest.FixtureRequest, probe_tree: Path) -> Iterator[Guest]:
    """A guest of its own: what these scripts do to the port's queue, no step undoes."""
    guest = Guest("model", trees=[probe_tree], extra_ports=[CONTROL])
    yield guest
    guest.close(keep_log=request.session.testsfailed > 0)


@pytest.fixture
def player(model_guest: Guest) -> Iterator[PortScript]:
    player = PortScript(model_guest)
    yield player
    player.end()


def test_there_are_scripts() -> None:
    assert len(names()) >= 12


@pytest.mark.parametrize("name", [name for name in names() if LONG or not is_long(name)])
def test_the_port_does_what_the_script_says(player: PortScript, name: str) -> None:
    try:
        player.play(load(name)["steps"])
    finally:
        for number, seen in enumerate(player.observations):
            print(f"{name} {number}: {seen}")
