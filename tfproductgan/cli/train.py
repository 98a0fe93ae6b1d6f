"""`tfproductgan train`: train a model on your photos, or continue a run."""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfproductgan.cli.data_options import (
    add_data_options,
    catalogue_from,
    describe_data,
    expected_image_size,
    refuse_missing,
)
from tfproductgan.cli.quiet import import_tensorflow
from tfproductgan.cli.values import parse_count, parse_interval, parse_override, positive, whole
from tfproductgan.errors import TrainingStopped
from tfproductgan.recipes import RECIPES, Recipe, get_recipe
from tfproductgan.registry import kind_named
from tfproductgan.training import STRATEGIES
from tfproductgan.writing import read_json, refuse_locked, refuse_unwritable

if TYPE_CHECKING:
    import tensorflow as tf

    from tfproductgan.catalogue.catalogue import Catalogue
    from tfproductgan.conditions import ConditionSchema
    from tfproductgan.models.training_model import TrainingModel

_SHORT = 10  # times as many images are usual

HELP = """\
Train a model on your photos. The same command again continues a run that was stopped.

  tfproductgan train --data photos/ --out runs/photos
  tfproductgan train --data products.csv --images-in photos/ --attributes category,colour --out runs/shop
  tfproductgan train --data photos/ --out runs/photos --dry-run         how long will it take?"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the verb."""
    add_data_options(parser)
    group = parser.add_argument_group("training")
    group.add_argument("--recipe", default="dcgan", help=f"one of {', '.join(RECIPES)} (default: dcgan)")
    group.add_argument("--images", type=parse_count, metavar="N", help="length in images, such as 400k or 2M")
    group.add_argument("--batch-size", type=whole, metavar="N", help="images a step")
    group.add_argument("--seed", type=whole, metavar="N", help="seed of everything random")
    group.add_argument("--precision", choices=("auto", "float32", "mixed_bfloat16"), help="number format")
    group.add_argument(
        "--set",
        action="append",
        default=[],
        type=parse_override,
        metavar="FIELD=VALUE",
        help="any other field of the recipe, such as label_dropout=0.2 or generator.width=48; repeatable",
    )
    group.add_argument(
        "--strategy",
        choices=STRATEGIES,
        default="auto",
        help="on which devices: one, all GPUs of this machine (mirrored), those of all machines that TF_CONFIG names "
        "(multi-worker), a TPU, or what there is (auto, the default)",
    )
    group.add_argument("--out", type=Path, required=True, metavar="DIR", help="the run directory")
    group.add_argument(
        "--from",
        dest="warm_start",
        metavar="RUN",
        help="begin with the weights of another run (or .keras file): what is called the same keeps what it has learnt",
    )
    group.add_argument(
        "--every",
        type=parse_interval,
        metavar="N",
        help="images between checkpoints and grids, such as 10k (default: a twentieth), or the longest time without a "
        "checkpoint, such as 5min",
    )
    group.add_argument(
        "--keep", type=positive, default=2, metavar="N", help="how many of the newest checkpoints stay (default: 2)"
    )
    group.add_argument(
        "--best",
        metavar="VALUE",
        help="also keep the checkpoint with the lowest VALUE of the validation, such as val_logit_gap; max:VALUE for "
        "the highest (default with --evaluate: val_distance)",
    )
    group.add_argument(
        "--evaluate",
        nargs="?",
        type=parse_count,
        const=True,
        default=False,
        metavar="N",
        help="measure pictures against validation photos while training (what they show: val_fid, how they look: "
        "val_look, both: val_distance), every N images or as often as it takes no more than a tenth of the time; "
        "trains a classifier first if there are labels, and keeps the best checkpoint",
    )
    group.add_argument(
        "--patience",
        type=positive,
        metavar="K",
        help="end the training when K evaluations in a row brought no lower val_distance (needs --evaluate)",
    )
    group.add_argument(
        "--on-alarm",
        choices=("warn", "stop", "rollback"),
        help="what happens when the training goes wrong (default: a training that breaks down goes back to its last "
        "checkpoint, all else warns)",
    )
    group.add_argument("--tensorboard", action="store_true", help="write TensorBoard logs to DIR/logs")
    group.add_argument(
        "--dry-run", action="store_true", help="print the resolved recipe and an estimate of time and memory"
    )


def run(args: argparse.Namespace) -> int:
    """Train."""
    recipe = resolve_recipe(args)
    refuse_missing(args)
    strategy = check_first(recipe, args.out, expected_image_size(args), args.strategy)
    from tfproductgan.catalogue.label_notes import notes_of_few
    from tfproductgan.training.strategies import is_chief
    from tfproductgan.training.warm_start import open_start

    open_start(args.warm_start, args.out, recipe, expected_image_size(args))
    args.min_count = _min_count_before(args)
    catalogue = catalogue_from(args, before=_schema_before(args.out))
    say = print if is_chief(strategy) else lambda text: None
    few = notes_of_few(catalogue.size("train")) if recipe.kind == "gan" and recipe.name != "few-photos" else []
    say("\n".join([catalogue.summary(), *catalogue.label_notes(), *few]))
    if args.dry_run:
        say(_dry_run(recipe, catalogue))
        return 0
    model = train_or_say_how(
        catalogue,
        recipe,
        args.out,
        every=args.every,
        tensorboard=args.tensorboard,
        keep=args.keep,
        best=args.best,
        on_alarm=args.on_alarm,
        evaluate=args.evaluate,
        patience=args.patience,
        data_options={**describe_data(args), "min_count": catalogue.preparation.min_count},
        strategy=strategy,
        warm_start=args.warm_start,
    )
    out = shlex.quote(str(args.out))
    asking = {
        "sampler": f"generate --model {out}{example_request(catalogue.schema)} --count 8",
        "translator": f"translate PICTURE --model {out}",
        "upscaler": f"upscale PHOTO --model {out}",
    }
    usual = get_recipe(args.recipe).images
    if recipe.images < usual / _SHORT:
        say(f"{recipe.images:,} images are a short run, the recipe is made for {usual:,}: expect little of it.")
    say(
        f"Trained {model.model_id} in {args.out}. Ask it for pictures:\n  tfproductgan {asking[model.asks]}\n"
        f"How good are they?\n  tfproductgan evaluate {out}"
    )
    return 0


def resolve_recipe(args: argparse.Namespace) -> Recipe:
    """The recipe that the options describe."""
    recipe = get_recipe(args.recipe)
    overrides = {
        name: value
        for name in ("images", "batch_size", "seed", "precision")
        if (value := getattr(args, name, None)) is not None
    }
    return recipe.replace(**overrides).change(args.set)


def _min_count_before(args: argparse.Namespace) -> int | str:
    """The number that `auto` was when the run began, whatever it would be today."""
    options = (read_json(args.out / "data.json") or {}).get("options") or {}
    return options.get("min_count", args.min_count) if args.min_count == "auto" else args.min_count


def _schema_before(out: Path) -> ConditionSchema | None:
    """The schema of the run that goes on there: what was a value when it began stays one."""
    from tfproductgan.conditions import ConditionSchema

    stored = read_json(out / "schema.json")
    return None if stored is None else ConditionSchema.from_dict(stored)


def _dry_run(recipe: Recipe, catalogue: Catalogue) -> str:
    """The resolved recipe, and what a few measured steps say about the whole run."""
    from tfproductgan.models.precision import dtype_policy
    from tfproductgan.training.callbacks import duration
    from tfproductgan.training.trainer import estimate

    measured = estimate(recipe, catalogue.schema)
    parameters = ", ".join(f"{role} {count:,}" for role, count in measured.parameters.items())
    return (
        f"{json.dumps(recipe.for_size(catalogue.image_size).to_dict(), indent=2, ensure_ascii=False)}\n"
        f"Precision: {dtype_policy(recipe.precision)}. Parameters: {parameters}.\n"
        f"Measured on this machine: {measured.images_per_second:.0f} images/s, so {recipe.images:,} images take "
        f"about {duration(measured.seconds)}; memory {measured.memory / 2**30:.1f} GB, photos included."
    )


def example_request(schema: ConditionSchema) -> str:
    """Words to ask for something that this schema knows, after a space, for the shell."""
    if not schema.attributes and schema.vocabulary is not None:
        if not schema.reads_words:
            return " --text-vectors vectors.npy"
        return f" --text {shlex.quote(' '.join(schema.vocabulary.words[:3]))}"
    if not schema.attributes or not schema.combinations:
        return ""
    words = schema.decode(schema.combinations[0][0]).values()
    return " " + shlex.quote(", ".join(words))


# === What quickstart does too ===


def check_first(recipe: Recipe, out: Path, image_size: int, strategy: str = "one") -> tf.distribute.Strategy:
    """The strategy of that name; imports TensorFlow. What cannot be trained is refused before photos take minutes.

    Raises:
        RecipeError: If a name or an option does not exist, or the networks cannot make that size.
        RunError: If the folder cannot be made, holds something else or a run with another recipe, or is in use by
            another process, or if there are not the devices for the strategy.
    """
    from tfproductgan.training.run_directory import RunDirectory

    RunDirectory(out).accept(recipe)
    # both threads in each operation of a step wait for each other more than they help below 64 pixels
    import_tensorflow(side_by_side=image_size < 64)
    from tfproductgan.conditions import Attribute, ConditionSchema
    from tfproductgan.training.strategies import check_batch, is_chief, make_strategy
    from tfproductgan.training.trainer import make_model

    # first: several workers must meet before TensorFlow computes anything
    made = make_strategy(strategy)
    check_batch(recipe, made)
    if is_chief(made):
        refuse_locked(out)
        refuse_unwritable(out)  # a run that goes on may lie where nothing can be written any more

    # made for one condition and thrown away: a second, and every name and option has been tried
    kind = kind_named(recipe.kind)
    source_channels = 3 if kind.asks == "translator" else None
    channels = kind.find("model").most_channels
    make_model(
        recipe, ConditionSchema([Attribute("any", ("any",))], image_size, channels, source_channels=source_channels)
    )
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
