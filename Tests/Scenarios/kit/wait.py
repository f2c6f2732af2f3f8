"""Waiting for a condition with a bound; the only place where the kit sleeps to see something happen."""

import time


def until(condition, timeout: float = 5.0, what: str = "", every: float = 0.005):
    """Polls `condition` until it is true and returns its value; fails with `what` after `timeout` seconds."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout} s for {what or condition}: last value {value!r}")
        time.sleep(every)
