"""The simulator's model of the port, held against the port.

Tests/SimulationTests plays the same scripts on the model, with the same observations expected. A
script that fails here and passes there says that the simulation proves something about another port.
"""

from __future__ import annotations

from typing import Iterator

import pytest

from machine import Guest
from port_script import PortScript, load, names


@pytest.fixture
def player(facts_guest: Guest) -> Iterator[PortScript]:
    player = PortScript(facts_guest)
    yield player
    player.end()


def test_there_are_scripts() -> None:
    assert len(names()) >= 12


@pytest.mark.parametrize("name", names())
def test_the_port_does_what_the_script_says(player: PortScript, name: str) -> None:
    try:
        player.play(load(name)["steps"])
    finally:
        for number, seen in enumerate(player.observations):
            print(f"{name} {number}: {seen}")
