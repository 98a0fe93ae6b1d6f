"""Which share of a training step's core-seconds goes where, by the trace that TensorFlow's profiler writes."""

from __future__ import annotations

import collections
import re
import tempfile
import time
from pathlib import Path

_STEPS = 8

# an operation belongs to the first group that fits its type and its name. Names of gradients begin with a gradient_tape
# for each tape, so what stands in two of them is a gradient's gradient
_FIRST = r"(?!.*gradient_tape/.*gradient_tape/)"
_GROUPS = {
    "optimisers, with clipping": (r".*", r".*adam"),
    "averages": (r".*", r".*averages/"),
    "convolutions, gradients by kernel": (r"Conv2DBackpropFilter", _FIRST + "(?!.*penalties/)"),
    "convolutions, gradients by kernel of penalties": (r"Conv2DBackpropFilter", ""),
    "convolutions of penalties": (r"Conv2D|Conv2DBackpropInput", r".*(penalties/|gradient_tape/.*gradient_tape/)"),
    "convolutions, gradients by input": (r"Conv2D|Conv2DBackpropInput", r".*gradient_tape/"),
    "convolutions, forward": (r"Conv2D|Conv2DBackpropInput", ""),
    "normalisation": (r".*", r".*norm_\d"),
    "biases and activations": (r"(BiasAdd|LeakyRelu|Relu|Tanh)(Grad)?", ""),
    "matrix products": (r"(Batch)?MatMul(V2)?", ""),
    "casts": (r"Cast", ""),
}


def print_profile(step, batch, cores):
    """Print the table.

    Args:
        step: A function that takes a step and waits for it; it has been called before.
        batch: Images a step.
        cores: How many cores there are to be busy or idle.
    """
    with tempfile.TemporaryDirectory() as folder:
        wall = _trace(step, folder)
        events = list(_events(folder))
    spent = collections.Counter()
    for name, kind, seconds in events:
        spent[_group(name, kind)] += seconds
    spent["idle, or not an operation"] = wall * cores - sum(spent.values())
    print(f"  {wall / _STEPS * cores * 1000:.0f} core-milliseconds a step, {batch * _STEPS / wall:.1f} images/s traced")
    for name, seconds in spent.most_common():
        print(f"  {name:<42} {seconds / (wall * cores):6.1%}  {seconds / _STEPS * 1000:8.1f} ms")


def _trace(step, folder):
    """Some steps under the profiler; returns the seconds that they took."""
    import tensorflow as tf

    # level 3 has every operation, also small ones
    with tf.profiler.experimental.Profile(folder, tf.profiler.experimental.ProfilerOptions(host_tracer_level=3)):
        start = time.perf_counter()
        for _ in range(_STEPS):
            step()
        return time.perf_counter() - start


def _events(folder):
    """Name, type and seconds of all operations that ran."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace()
    [path] = Path(folder).rglob("*.xplane.pb")
    space.ParseFromString(path.read_bytes())
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                # operations are "name:type"; the runtime's own work has two colons or none
                name, _, kind = plane.event_metadata[event.metadata_id].name.rpartition(":")
                if name and kind.isidentifier() and "::" not in f"{name}:":
                    yield name, kind, event.duration_ps * 1e-12


def _group(name, kind):
    kind = re.sub(r"^_(Mkl)?(Native)?(Fused)?|WithBias$", "", kind)  # as oneDNN's kernels are called
    for group, (kinds, names) in _GROUPS.items():
        if re.fullmatch(kinds, kind) and re.match(names, name):
            return group
    return "other operations"
