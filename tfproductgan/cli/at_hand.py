"""What judges the pictures of a model, as far as it is at hand: the discriminator it learnt from."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def with_discriminator(path: str) -> tuple[Any, Any]:
    """A trained model and, where there is one, the discriminator it learnt from.

    Args:
        path: A run directory, whose newest sound checkpoint is taken, a checkpoint or another `.keras` file.

    Raises:
        RunError: If there is no such model.
    """
    from tfproductgan.models.loading import load
    from tfproductgan.training.checkpoints import Checkpoints
    from tfproductgan.training.run_directory import RunDirectory

    newest = Checkpoints(RunDirectory(path).checkpoints).newest_sound() if Path(path).is_dir() else None
    model = load(newest or path)
    return model.trained(), model.networks().get("discriminator")
