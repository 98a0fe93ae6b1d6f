"""What surrounds a `fit`: run directories, callbacks, checkpoints."""

from tfproductgan.keras_settings import choose_tensorflow

choose_tensorflow()

# here, where no TensorFlow is, for the command line
STRATEGIES = ("auto", "one", "mirrored", "multi-worker", "tpu")
"""Names of `strategies.make_strategy`."""
