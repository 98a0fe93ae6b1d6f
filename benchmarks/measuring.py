"""What the benchmarks measure of their own process; needs nothing but Python."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping


def peak_megabytes() -> float:
    """Largest resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def measured_memory(before: float) -> dict[str, int]:
    """The largest memory so far, and how much of it came after there were `before` megabytes."""
    peak = peak_megabytes()
    return {"megabytes": round(peak), "of_steps": round(peak - before)}


def measure_what_is_asked(does: Mapping[str, Callable[[], object]]) -> None:
    """Answer lines of what to do and how often, such as `step 3`, with seconds of the clock and of processors."""
    for line in sys.stdin:
        what, times = line.split()
        wall, spent = time.perf_counter(), time.process_time()
        for _ in range(int(times)):
            does[what]()
        print(json.dumps({"seconds": time.perf_counter() - wall, "processor": time.process_time() - spent}), flush=True)
