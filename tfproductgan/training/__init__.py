"""What surrounds a `fit`: run directories, callbacks, checkpoints."""
