"""What benchmarks that compare trainings share: each takes so many core-seconds, and goes on where it was stopped."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tfproductgan.recipes import Recipe
from tfproductgan.writing import append_json_line, read_json, read_json_lines, write_json

MEASURED = 24  # steps, at least, that tell how fast a recipe is
SHARE = 0.03  # of the core-seconds, at least, that they take: what else the machine does changes
WHOLE = ((1.0, {}),)
"""The parts of a training whose steps take all alike."""

_CHECKPOINTS = 8  # of a run, at least, besides those where it is stopped
_LONGEST = 300  # core-seconds between them


def digest(recipe: Recipe) -> str:
    """Tells recipes apart, whatever their seed and length."""
    settings = recipe.replace(seed=0, images=1).settings()
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


def images_in(
    core_seconds: float,
    catalogue,
    recipe: Recipe,
    parts: Sequence[tuple[float, Mapping]] = WHOLE,
    steps: int = MEASURED,
) -> int:
    """How many images a recipe learns from in so many core-seconds, measured; of parts see `learnt`."""
    each = sum(
        share * _core_seconds_of_a_step(catalogue, recipe.replace(**changes), SHARE * share * core_seconds, steps)
        for share, changes in parts
    )
    return max(2, round(core_seconds / each)) * recipe.step_images


def _core_seconds_of_a_step(catalogue, recipe, at_least, steps):
    """What a step of a new model takes; so many steps are measured, again until they took so many core-seconds."""
    from tfproductgan.training.trainer import make_model

    gan = make_model(recipe, catalogue.schema)
    stream = catalogue.stream("train", recipe.step_images, recipe.seed, balance=recipe.balance)
    gan.fit(stream.take(1), epochs=1, verbose=0)  # makes the graph, which does not count
    cpu, done = 0.0, 0
    while not done or cpu < at_least:
        begin = time.process_time()
        gan.fit(stream.skip(1), steps_per_epoch=steps, epochs=1, verbose=0)
        cpu, done = cpu + time.process_time() - begin, done + steps
    return cpu / done


def learnt(
    catalogue,
    recipe: Recipe,
    core_seconds: float,
    folder: Path,
    parts: Sequence[tuple[float, Mapping]] = WHOLE,
    warm_start: Path | None = None,
) -> tuple:
    """What a recipe has learnt in so many core-seconds, in a run directory in `folder`; the same call goes on there.

    How long the run is, is decided by how fast its first steps are, once. What is counted leaves the making of graphs
    out and has the validation in.

    Args:
        catalogue: What to learn from.
        recipe: How; its `images` do not count.
        core_seconds: How long.
        folder: Of this training alone.
        parts: Shares of the training that differ in speed, and what of the recipe makes each of them.
        warm_start: As of `tfproductgan.train`.

    Returns:
        The training model, and how many images and core-seconds it took.
    """
    import keras

    import tfproductgan as tpg
    from tfproductgan.errors import TrainingStopped

    folder.mkdir(parents=True, exist_ok=True)
    length, spent = folder / "length.json", folder / "spent.jsonl"
    if not length.is_file():
        write_json(length, {"images": images_in(core_seconds, catalogue, recipe, parts)})
    recipe = recipe.replace(**read_json(length))
    begin: dict[str, float] = {}

    def first(batch, logs=None):  # its graph is made
        if not begin:
            seen = counter.model.images_seen
            before = [line["cpu"] for line in read_json_lines(spent) if line["images"] <= seen]
            begin["cpu"] = time.process_time() - max(before, default=0.0)

    def note(*_):
        if begin:
            found = {"images": int(counter.model.images_seen), "cpu": round(time.process_time() - begin["cpu"], 1)}
            append_json_line(spent, found)

    counter = keras.callbacks.LambdaCallback(on_train_batch_end=first, on_epoch_end=note)
    every = -(-recipe.images // max(_CHECKPOINTS, round(core_seconds / _LONGEST)))
    try:
        model = tpg.train(catalogue, recipe, folder / "run", every=every, callbacks=[counter], warm_start=warm_start)
    except TrainingStopped as stopped:
        note()
        raise SystemExit("Stopped: the same command goes on.") from stopped
    return model, read_json_lines(spent)[-1]
