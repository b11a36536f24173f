"""A point in time by which something must have happened."""

from __future__ import annotations

import time


class Deadline:
    """Shared by the steps of one wait, so that the time-outs of the steps do not add up."""

    def __init__(self, timeout_seconds: float) -> None:
        self._end_seconds = time.monotonic() + timeout_seconds

    @property
    def remaining_seconds(self) -> float:
        return max(0.0, self._end_seconds - time.monotonic())

    @property
    def has_passed(self) -> bool:
        return self.remaining_seconds == 0.0
