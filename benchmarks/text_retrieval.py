"""Does a picture show what its text says? How often a stranger finds the right title of a picture among 100.

Run: python benchmarks/text_retrieval.py --data products.csv --text title [--attributes type,colour] --model runs/shop
       [--pictures 4000] [--steps 4000] [--scorer scorer.keras] [--seed 0] [--look words.png] [--out result.json]

The stranger is a scorer of titles and pictures that has learnt from the photos of the training split and their titles:
two encoders, each from nothing, of which vectors are alike for a photo and its own title and not for those of others
(InfoNCE, both ways; equal titles are no others). It shares no weight with the model. For a picture of the validation
split its own title is ranked among 99 other titles of that split, drawn by seed, none of which is the same text:

- photos: the photos themselves, what can be reached;
- text: pictures of the model, drawn for the title of each photo and nothing else;
- text and labels: drawn for the title and the labels of each photo, if there are labels;
- labels: drawn for the labels alone, if there are labels: what titles add is beyond this;
- shuffled: the pictures of "text", each with the title of another one: what is found by chance and by what titles have
  in common.

Chance is 1 % for the first place and 10 % for the first ten. "of photos" is how much of what photos reach above chance
is reached. `--scorer` keeps the scorer for the next model of the same photos. `--look` draws texts that no title has.

Reference:
    van den Oord et al., 2018, Representation Learning with Contrastive Predictive Coding,
    https://arxiv.org/abs/1807.03748; Xu et al., 2018, AttnGAN, https://arxiv.org/abs/1711.10485 (R-precision)
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from tfproductgan.cli.data_options import add_data_options, catalogue_from
from tfproductgan.cli.quiet import import_tensorflow
from tfproductgan.cli.values import positive
from tfproductgan.writing import write_json

CANDIDATES = 100
FIRST = (1, 10)
BATCH = 128
DIM = 128

NEVER_SEEN = (
    "purple watch with pink strap",
    "red leather handbag",
    "green sunglasses with yellow frame",
    "orange formal shirt",
    "pink sports shoes with black sole",
    "white watch with red dial",
    "blue heels",
    "yellow backpack",
)


# === The scorer ===


def make_scorer(schema):
    """A model of pictures, uint8, and pieces of titles to a unit vector each, and the logarithm of a scale."""
    import keras
    from keras import layers

    from tfproductgan.layers.text_encoder import TextEncoder
    from tfproductgan.models.precision import dtype_policy

    policy = dtype_policy("auto")
    size, channels = schema.image_size, schema.channels
    pictures = keras.Input((size, size, channels), dtype="uint8", name="pictures")
    pieces = keras.Input((schema.vocabulary.length,), dtype="int32", name="pieces")
    x = layers.Rescaling(1 / 127.5, -1, dtype="float32")(pictures)
    for stage, filters in enumerate((32, 64, 128, 256)):
        for number in range(1 if stage == 0 else 2):
            strides = 2 if number == 0 else 1
            x = layers.Conv2D(filters, 3, strides, padding="same", use_bias=False, dtype=policy)(x)
            x = layers.BatchNormalization(momentum=0.9, dtype=policy)(x)
            x = layers.ReLU(dtype=policy)(x)
    x = layers.GlobalAveragePooling2D(dtype="float32")(x)
    seen = layers.UnitNormalization(dtype="float32", name="seen")(layers.Dense(DIM, dtype="float32")(x))
    read = TextEncoder(schema.vocabulary.num_ids, width=DIM, dtype="float32")(pieces)
    said = layers.UnitNormalization(dtype="float32", name="said")(layers.Dense(DIM, dtype="float32")(read))
    return keras.Model([pictures, pieces], [seen, said], name="scorer")


def train_scorer(catalogue, steps: int, seed: int):
    """The scorer of a catalogue's training photos and their titles."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    schema = catalogue.schema
    scorer = make_scorer(schema)
    scale = tf.Variable(np.log(10.0), dtype=tf.float32)
    rising = max(1, steps // 10)
    rate = keras.optimizers.schedules.CosineDecay(2e-4, max(1, steps - rising), warmup_target=2e-3, warmup_steps=rising)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=0.02)
    variables = scorer.trainable_variables
    optimizer.build(variables)

    @tf.function(autograph=False)
    def step(images, pieces):
        with tf.GradientTape() as tape:
            seen, said = scorer([images, pieces], training=True)
            alike = tf.exp(scale) * tf.matmul(seen, said, transpose_b=True)
            same = tf.reduce_all(pieces[:, None] == pieces[None], axis=2)
            own = tf.eye(tf.shape(pieces)[0], dtype=tf.bool)
            untold = ~tf.reduce_any(pieces > 0, axis=1)  # nothing is learnt of what has no title
            alike = tf.where((same & ~own) | (untold[None] & ~own), -1e9, alike)
            told = tf.cast(~untold, tf.float32)
            numbers = tf.range(tf.shape(pieces)[0])
            errors = [
                tf.nn.sparse_softmax_cross_entropy_with_logits(numbers, logits)
                for logits in (alike, tf.transpose(alike))
            ]
            loss = tf.reduce_sum(told * tf.add_n(errors)) / tf.maximum(tf.reduce_sum(told), 1.0)
        *gradients, of_scale = tape.gradient(loss, [*variables, scale])
        optimizer.apply([tf.convert_to_tensor(gradient) for gradient in gradients], variables)
        scale.assign(tf.clip_by_value(scale - 1e-2 * of_scale, 0.0, np.log(100.0).astype(np.float32)))
        return loss

    stream = catalogue.stream("train", min(BATCH, catalogue.size("train")), seed)
    for number, batch in zip(range(steps), stream, strict=False):
        images = batch["images"]
        # mirrored photos have the same titles
        images = images[:, :, ::-1] if number % 2 else images
        loss = step(images, batch["conditions"][:, schema.text_columns])
        if number % max(1, steps // 10) == 0:
            print(f"scorer: step {number} of {steps}, loss {float(loss):.3f}", flush=True)
    return scorer


def encoded(scorer, pictures: np.ndarray, pieces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of pictures, and of as many titles."""
    chunks = (slice(at, at + 256) for at in range(0, len(pieces), 256))
    parts = [scorer([pictures[rows], pieces[rows]], training=False) for rows in chunks]
    return tuple(np.concatenate([np.asarray(part) for part in column]) for column in zip(*parts, strict=True))


# === Retrieval ===


def places(seen: np.ndarray, said: np.ndarray, pieces: np.ndarray, seed: int) -> np.ndarray:
    """The place of each picture's own title among others, from 1 on."""
    rng = np.random.default_rng(seed)
    _, texts = np.unique(pieces, axis=0, return_inverse=True)
    texts = texts.reshape(-1)
    found = np.empty(len(seen), np.int64)
    for row, picture in enumerate(seen):
        others = rng.permutation(len(said))
        others = others[texts[others] != texts[row]]
        _, first = np.unique(texts[others], return_index=True)  # each text once
        others = others[np.sort(first)][: CANDIDATES - 1]
        own = said[row] @ picture
        found[row] = 1 + np.sum(said[others] @ picture >= own)  # a scorer that sees no difference finds nothing
    return found


def shares(found: np.ndarray) -> dict[str, float]:
    """How often the own title is the first, and among the first ten."""
    return {f"top {first}": float(np.mean(found <= first)) for first in FIRST}


def show(results: dict[str, dict[str, float]], candidates: int) -> None:
    """Print how often the own title of so many is found, and how far above chance that is beside photos."""
    chance = {f"top {first}": first / candidates for first in FIRST}
    print(f"{'':<16}" + "".join(f"{f'top {first}':>10}{'of photos':>12}" for first in FIRST))
    for name, found in results.items():
        reached = {key: max(results["photos"][key] - chance[key], 1e-9) for key in found}
        above = {key: (found[key] - chance[key]) / reached[key] for key in found}
        print(f"{name:<16}" + "".join(f"{100 * found[key]:>9.1f}%{100 * above[key]:>11.0f}%" for key in found))


def kept_scorer(args: argparse.Namespace, catalogue):
    """The scorer of the file, if there is one, else a new one, which is kept there."""
    import keras

    if args.scorer is not None and args.scorer.is_file():
        return keras.saving.load_model(args.scorer, compile=False)
    scorer = train_scorer(catalogue, args.steps, args.seed)
    if args.scorer is not None:
        scorer.save(args.scorer)
    return scorer


def main() -> None:
    """Train the scorer, draw, rank and say."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data_options(parser)
    parser.add_argument("--model", required=True, help="run directory or .keras file of a model that has learnt titles")
    parser.add_argument("--pictures", type=positive, default=4000, help="of the validation split (default: 4000)")
    parser.add_argument("--steps", type=positive, default=4000, help=f"of the scorer, {BATCH} photos each")
    parser.add_argument("--scorer", type=Path, help="file of the scorer: read if it is there, else written")
    parser.add_argument("--truncation", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--look", type=Path, help="PNG of texts that no title has")
    parser.add_argument("--out", type=Path, help="JSON file for the figures")
    args = parser.parse_args()
    import_tensorflow()
    import tfproductgan
    from tfproductgan.sampling.files import write_png
    from tfproductgan.sampling.grids import condition_rows

    model = tfproductgan.load(args.model)
    if model.schema.vocabulary is None:
        parser.error(f"{args.model} has learnt from no titles: train it with --text COLUMN.")
    if args.look is not None:
        grid = condition_rows(model, [{"text": text} for text in NEVER_SEEN], seed=args.seed)
        write_png(args.look, grid, overwrite=True)
        print(f"{args.look}: {'; '.join(NEVER_SEEN)}")
    catalogue = catalogue_from(args, model.schema)
    scorer = kept_scorer(args, catalogue)
    schema, ids = catalogue.schema, catalogue.conditions("validation")
    rows = np.flatnonzero(ids[:, schema.text_columns].any(axis=1))
    rows = np.sort(np.random.default_rng(args.seed).permutation(rows)[: args.pictures])
    ids, photos = ids[rows], catalogue.images("validation")[rows]
    labels, pieces = ids[:, : schema.text_columns.start], ids[:, schema.text_columns]
    titles = [schema.decode(row)["text"] for row in ids]

    def drawn(conditions):
        requests = model.plan(conditions, seed=args.seed, truncation=args.truncation, complete=False)
        return model.draw(requests)

    sets = {"photos": photos, "text": drawn([{"text": title} for title in titles])}
    if schema.attributes:
        sets["text and labels"] = drawn([schema.decode(row) for row in ids])
        sets["labels"] = drawn([schema.decode(row) for row in labels])
    results = {}
    for name, pictures in sets.items():
        seen, said = encoded(scorer, pictures, pieces)
        results[name] = shares(places(seen, said, pieces, args.seed))
        if name == "text":
            order = np.roll(np.arange(len(seen)), len(seen) // 2)
            results["shuffled"] = shares(places(seen[order], said, pieces, args.seed))
    candidates = min(CANDIDATES, len(set(titles)))  # chance is higher where titles are fewer
    print(f"{model.model_id}: {len(rows):,} pictures, {len(set(titles)):,} titles; of {candidates} the right one is")
    show(results, candidates)
    if args.out is not None:
        about = {"model": model.model_id, "pictures": len(rows), "truncation": args.truncation, "seed": args.seed}
        write_json(args.out, {**about, "results": results})


if __name__ == "__main__":
    main()
