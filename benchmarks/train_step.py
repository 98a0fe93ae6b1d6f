"""A training step of ours against a tutorial's loop and against PyTorch, and the share of the machine it uses.

Run: python benchmarks/train_step.py [--sizes 32 64] [--width 32] [--rounds 5] [--torch-python PYTHON]

All variants live at the same time, each in a process of its own, and are measured in turn, so that what else the
machine does hits them alike; the ratios are medians over the rounds. PyTorch need not be installed beside TensorFlow:
`--torch-python` names an interpreter that has it.

- ours: `fit`'s function with everything a run has: precision and threads chosen by the package, averaged generator,
  metrics. Without oneDNN: the same with TensorFlow's own convolutions, which it takes by itself on processors without
  AVX512-VNNI.
- tutorial: the same networks and losses in float32, in a `train_step` as the Keras examples write it, without average.
- torch: the same networks, losses and average in PyTorch, see `train_step_torch.py`: in the precision that ours has
  here and channels-last, with and without a compiled generator; and as PyTorch comes, float32. The best counts.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

_NUM_VALUES = (18, 14)
_CEILING = "ceiling"
_WITHOUT_ONEDNN = "ours, without oneDNN"


# === Workers ===


def make_models(size: int, width: int, batch: int, precision: str):
    """A `ConditionalGAN` of the default recipe; the discriminator's first stage is twice as wide as `width`."""
    from tfproductgan.conditions import Attribute, ConditionSchema
    from tfproductgan.models.conditional_gan import ConditionalGAN
    from tfproductgan.recipes import get_recipe

    attributes = [
        Attribute(name, tuple(f"{name}{index}" for index in range(count)))
        for name, count in zip("ab", _NUM_VALUES, strict=True)
    ]
    schema = ConditionSchema(attributes, size, 3)
    widths = {"generator": {"width": width, "max_width": 10 * width}, "discriminator": {"width": 2 * width}}
    widths["discriminator"]["max_width"] = 10 * width
    recipe = get_recipe("dcgan", batch_size=batch, precision=precision, **widths)
    return ConditionalGAN.from_recipe(recipe, schema)


def make_stream(gan):
    """The same random batch again and again."""
    import numpy as np
    import tensorflow as tf

    rng = np.random.default_rng(0)
    size, batch = gan.schema.image_size, gan.recipe.batch_size
    data = {
        "images": rng.integers(0, 256, (batch, size, size, 3), np.uint8),
        "conditions": np.stack([rng.integers(0, n, batch) for n in gan.schema.num_ids], axis=1).astype(np.int32),
    }
    return tf.data.Dataset.from_tensors(data).repeat().prefetch(2)


def ours(size: int, width: int, batch: int):
    """The package's own step."""
    import numpy as np

    gan = make_models(size, width, batch, "auto")
    gan.compile()
    about = {
        "parameters": [
            sum(int(np.prod(weight.shape)) for weight in network.trainable_variables)
            for network in (gan.generator, gan.discriminator)
        ],
        "precision": gan.generator.dtype_policy.name,
        "operations": count_operations(gan),
    }
    return fit_function(gan, make_stream(gan)), about


def tutorial(size: int, width: int, batch: int):
    """The same networks as the Keras examples would train them."""
    import keras
    import tensorflow as tf

    gan = make_models(size, width, batch, "float32")
    recipe, stream = gan.recipe, make_stream(gan)

    class TutorialGAN(keras.Model):
        def __init__(self):
            super().__init__()
            self.generator, self.discriminator = gan.generator, gan.discriminator
            self.d_tracker, self.g_tracker = keras.metrics.Mean("d_loss"), keras.metrics.Mean("g_loss")
            self.built = True

        def judge(self, images, conditions):
            return self.discriminator({"images": images, "conditions": conditions}, training=True)

        def draw(self, conditions):
            latents = tf.random.normal((tf.shape(conditions)[0], self.generator.latent_dim))
            return self.generator({"latents": latents, "conditions": conditions}, training=True)

        def penalty(self, images, conditions):
            with tf.GradientTape() as tape:
                tape.watch(images)
                logits = self.judge(images, conditions)
            gradients = tape.gradient(logits, images)
            return 0.5 * tf.reduce_mean(tf.reduce_sum(tf.square(gradients), axis=[1, 2, 3]))

        def train_step(self, data):
            real, conditions = tf.cast(data["images"], tf.float32) / 127.5 - 1, data["conditions"]
            fake = self.draw(conditions)
            with tf.GradientTape() as tape:
                gap = self.judge(real, conditions) - self.judge(fake, conditions)
                d_loss = tf.reduce_mean(tf.nn.softplus(-gap))
                d_loss += self.penalty(real, conditions) + self.penalty(fake, conditions)
            gradients = tape.gradient(d_loss, self.discriminator.trainable_variables)
            self.d_optimizer.apply_gradients(zip(gradients, self.discriminator.trainable_variables, strict=True))
            with tf.GradientTape() as tape:
                gap = self.judge(real, conditions) - self.judge(self.draw(conditions), conditions)
                g_loss = tf.reduce_mean(tf.nn.softplus(gap))
            gradients = tape.gradient(g_loss, self.generator.trainable_variables)
            self.g_optimizer.apply_gradients(zip(gradients, self.generator.trainable_variables, strict=True))
            self.d_tracker.update_state(d_loss)
            self.g_tracker.update_state(g_loss)
            return {"d_loss": self.d_tracker.result(), "g_loss": self.g_tracker.result()}

    model = TutorialGAN()
    adam = {"beta_1": recipe.beta_1, "beta_2": recipe.beta_2}
    model.d_optimizer = keras.optimizers.Adam(recipe.discriminator_learning_rate, **adam)
    model.g_optimizer = keras.optimizers.Adam(recipe.generator_learning_rate, **adam)
    model.compile()
    return fit_function(model, stream), {}


def ceiling(size: int, width: int, batch: int):
    """A stack of 3x3 convolutions of 128 channels, forward and backward, in the format the package takes here."""
    import tensorflow as tf

    from tfproductgan.models.precision import bfloat16_is_fast

    depth, channels, side = 4, 128, 32
    precision = tf.bfloat16 if bfloat16_is_fast() else tf.float32
    images = tf.cast(tf.random.normal((32, side, side, channels)), precision)
    kernels = [tf.Variable(tf.random.normal((3, 3, channels, channels), stddev=0.03)) for _ in range(depth)]

    @tf.function(autograph=False)
    def step():
        with tf.GradientTape() as tape:
            tape.watch(images)
            x = images
            for kernel in kernels:
                x = tf.nn.relu(tf.nn.conv2d(x, tf.cast(kernel, precision), 1, "SAME"))
            loss = tf.reduce_mean(tf.cast(x, tf.float32))
        return [tf.reduce_sum(gradient) for gradient in tape.gradient(loss, [*kernels, images])]

    operations = 3 * depth * 2 * 9 * channels**2 * 32 * side**2
    return lambda: step()[0].numpy(), {"operations": operations, "precision": precision.name}


def fit_function(model, stream):
    """A function that takes one step as `fit` does and waits for it."""
    model.make_train_function()
    iterator = iter(stream)
    return lambda: {name: value.numpy() for name, value in model.train_function(iterator).items()}


def count_operations(gan):
    """Floating-point operations of one step's convolutions and matrix products, as its graph holds them."""
    import tensorflow as tf

    function = tf.function(gan.train_step, autograph=False)
    graph = function.get_concrete_function(next(iter(make_stream(gan)))).graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options = {**options, "output": "none"}
    return tf.compat.v1.profiler.profile(graph, options=options).total_float_ops


_WORKERS = {"ours": ours, _WITHOUT_ONEDNN: ours, "tutorial": tutorial, _CEILING: ceiling}


def work(name: str, size: int, width: int, batch: int, steps: int) -> None:
    """Measure one variant each time a line comes in."""
    if name != "tutorial":
        os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0" if name == _WITHOUT_ONEDNN else "1"
    if _WORKERS[name] is ours:
        from tfproductgan.cli.quiet import import_tensorflow

        # as the command line does, which chooses the threads
        import_tensorflow()
    step, about = _WORKERS[name](size, width, batch)
    for _ in range(4):
        step()
    print(json.dumps({"variant": name, **about}), flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        for _ in range(steps):
            step()
        print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)


# === Parent ===


class Variants:
    """The processes of all variants of one size."""

    def __init__(self, size, args):
        self.steps, self.batch = args.steps, args.batch
        self.processes, self.about = {}, {}
        for name in _WORKERS:
            command = [sys.executable, __file__, "--worker", name, "--sizes", str(size), "--width", str(args.width)]
            self._start([*command, "--batch", str(args.batch), "--steps", str(args.steps)], [name])
        if args.torch_python:
            variants = torch_variants(self.about["ours"]["precision"] == "mixed_bfloat16")
            job = {"variants": variants, "spec": torch_spec(size, args.width, args.batch)}
            job |= {"steps": args.steps, "threads": len(os.sched_getaffinity(0))}
            command = [args.torch_python, str(Path(__file__).with_name("train_step_torch.py"))]
            self._start(command, list(variants), json.dumps(job))

    def _start(self, command, names, first_line=None):
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
        if first_line:
            process.stdin.write(first_line + "\n")
            process.stdin.flush()
        for name in names:
            line = process.stdout.readline()
            if not line:
                raise SystemExit(f"{name} did not start. Run by hand to see why: {' '.join(command)}")
            self.about[name] = json.loads(line)
            if "error" in self.about[name]:
                print(f"  {name}: cannot run here: {self.about[name]['error']}")
            else:
                self.processes[name] = process

    def seconds(self, name):
        """Wall time of some steps of one variant."""
        process = self.processes[name]
        process.stdin.write(name + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())["seconds"]

    def stop(self):
        """End all processes."""
        for process in set(self.processes.values()):
            process.stdin.close()
            process.wait()


def torch_variants(bfloat16):
    """What PyTorch is measured as, by name."""
    best = {"bfloat16": bfloat16, "channels_last": True}
    return {
        "torch, float32": {"bfloat16": False, "channels_last": False, "compiled": False},
        f"torch, {'bfloat16' if bfloat16 else 'float32'}, channels last": {**best, "compiled": False},
        "torch, the same, compiled": {**best, "compiled": True},
    }


def torch_spec(size, width, batch):
    """What PyTorch must know to make the same networks."""
    from tfproductgan.recipes import get_recipe

    recipe = get_recipe("dcgan").for_size(size)
    doublings = (size // 4).bit_length() - 1
    return {
        "num_ids": [count + 1 for count in _NUM_VALUES],
        "image_size": size,
        "generator_widths": [min(10 * width, width * 2**k) for k in range(doublings, -1, -1)],
        "discriminator_widths": [min(10 * width, 2 * width * 2**k) for k in range(doublings)],
        "latent_dim": 64,
        "embedding_dim": 64,
        "batch": batch,
        "learning_rate": recipe.generator_learning_rate,
        "beta_1": recipe.beta_1,
        "beta_2": recipe.beta_2,
        "clip": recipe.gradient_clip,
    }


def measure(size, args):
    """Print the table of one size."""
    print(f"\n{size} pixels, batch {args.batch}, width {args.width}")
    variants = Variants(size, args)
    rounds = [{name: variants.seconds(name) for name in variants.processes} for _ in range(args.rounds)]
    variants.stop()
    about = variants.about
    parameters = {tuple(facts["parameters"]) for facts in about.values() if "parameters" in facts}
    if len(parameters) > 1:
        raise SystemExit(f"The networks differ, the comparison means nothing: parameters {sorted(parameters)}")
    [(generator, discriminator)] = parameters
    print(f"  {generator:,} + {discriminator:,} parameters, ours in {about['ours']['precision']}")
    images = args.steps * args.batch
    for name in variants.processes:
        if name != _CEILING:
            speed = statistics.median(images / times[name] for times in rounds)
            ratio = statistics.median(times[name] / times["ours"] for times in rounds)
            print(f"  {name:<32} {speed:8.1f} images/s   ours is {ratio:5.2f} times as fast")
    shares = [
        (about["ours"]["operations"] / times["ours"]) / (about[_CEILING]["operations"] / times[_CEILING])
        for times in rounds
    ]
    top = statistics.median(args.steps * about[_CEILING]["operations"] / times[_CEILING] / 1e9 for times in rounds)
    precision = about[_CEILING]["precision"]
    print(f"  {precision} convolutions reach {top:.0f} GFLOP/s here; our step {statistics.median(shares):.0%} of that")


def main() -> None:
    """Measure every size."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[32, 64])
    parser.add_argument("--width", type=int, default=32, help="channels of the generator's last stage (default: 32)")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=10, help="steps of one measurement")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--torch-python", metavar="PYTHON", help="an interpreter that has torch")
    parser.add_argument("--worker", choices=_WORKERS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        work(args.worker, args.sizes[0], args.width, args.batch, args.steps)
        return
    for size in args.sizes:
        measure(size, args)


if __name__ == "__main__":
    main()
