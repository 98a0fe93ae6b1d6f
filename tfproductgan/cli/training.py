"""What the verbs that train share: mistakes come to light before photos are read, Ctrl-C says how to go on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfproductgan.cli.quiet import import_tensorflow
from tfproductgan.errors import TrainingStopped
from tfproductgan.registry import kind_named

if TYPE_CHECKING:
    import tensorflow as tf

    from tfproductgan.catalogue.catalogue import Catalogue
    from tfproductgan.models.training_model import TrainingModel
    from tfproductgan.recipes import Recipe


def check_first(recipe: Recipe, out: Path, image_size: int, strategy: str = "one") -> tf.distribute.Strategy:
    """The strategy of that name; imports TensorFlow. What cannot be trained is refused before photos take minutes.

    Raises:
        RecipeError: If a name or an option does not exist, or the networks cannot make that size.
        RunError: If the folder cannot be made, or holds something else or a run with another recipe, or if there are
            not the devices for the strategy.
    """
    from tfproductgan.training.run_directory import RunDirectory

    RunDirectory(out).accept(recipe)
    import_tensorflow()
    from tfproductgan.conditions import Attribute, ConditionSchema
    from tfproductgan.training.strategies import check_batch, make_strategy
    from tfproductgan.training.trainer import make_model

    # first: several workers must meet before TensorFlow computes anything
    made = make_strategy(strategy)
    check_batch(recipe, made)

    # made for one condition and thrown away: a second, and every name and option has been tried
    takes_pictures = kind_named(recipe.kind).asks == "translator"
    schema = ConditionSchema([Attribute("any", ("any",))], image_size, 3, source_channels=3 if takes_pictures else None)
    make_model(recipe, schema)
    return made


def train_or_say_how(catalogue: Catalogue, recipe: Recipe, out: Path, **options: Any) -> TrainingModel:
    """`tfproductgan.training.trainer.train`, whose Ctrl-C carries a message that says how to go on."""
    from tfproductgan.training.checkpoints import Checkpoints
    from tfproductgan.training.run_directory import RunDirectory
    from tfproductgan.training.trainer import train

    try:
        return train(catalogue, recipe, out, **options)
    except TrainingStopped as stopped:
        stopped.args = (f"{stopped}; the same command goes on from there in {out}",)
        raise
    except KeyboardInterrupt as interrupt:
        saved = Checkpoints(RunDirectory(out).checkpoints).files
        start = "goes on from the last checkpoint" if saved else "starts again"
        raise KeyboardInterrupt(f"The same command {start} in {out}") from interrupt
