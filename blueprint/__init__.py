"""Blueprint: one short YAML file per environment becomes a complete AWS architecture."""

import time

__version__ = "0.1.0"
_STARTED = time.perf_counter()  # this package is the first thing that a command imports


def seconds_since_start() -> float:
    """How long this command has been running, imports included."""
    return time.perf_counter() - _STARTED
