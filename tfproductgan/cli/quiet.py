"""TensorFlow without the notes that it prints while it is imported."""

from __future__ import annotations

import os
import sys
import tempfile

# TensorFlow 2.21 logs these before it has read TF_CPP_MIN_LOG_LEVEL
_NOTES = (b"I0000 ", b"WARNING: All log messages before absl::InitializeLog()")

# what TensorFlow's GPU build reports as an error on a machine without a GPU
_NO_GPU = b"failed call to cuInit"


def import_tensorflow() -> None:
    """Import TensorFlow; what it writes to stderr meanwhile comes through only if it is more than a note.

    A verb calls this first of all that is heavy in its `run`.
    """
    if "tensorflow" in sys.modules:
        return
    sys.stderr.flush()
    with tempfile.TemporaryFile() as written:
        terminal = os.dup(2)
        os.dup2(written.fileno(), 2)
        try:
            import tensorflow as tf

            # one of the graph optimisers fails on training graphs: it reports an error, changes nothing, goes on
            tf.config.optimizer.set_experimental_options({"remapping": False})
            # look for devices now, while what it says about missing ones can be left out
            tf.config.list_physical_devices()
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
            written.seek(0)
            for line in written:
                if not line.startswith(_NOTES) and not (_NO_GPU in line and not os.path.exists("/dev/nvidia0")):
                    os.write(2, line)
