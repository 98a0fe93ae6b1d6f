"""A training step of ours against a tutorial's loop and PyTorch, or against ours of another checkout.

Run: python benchmarks/train_step.py [--sizes 32 64] [--torch-python PYTHON] [--all]
     python benchmarks/train_step.py --baseline CHECKOUT

All variants live at the same time, each in a process of its own, and are measured in turn, in short rounds, so that
what else the machine does hits them alike; the ratios are medians over the rounds. A run takes a few minutes. PyTorch
need not be installed beside TensorFlow: `--torch-python` names an interpreter that has it.

- ours: `fit`'s function with everything a run has: precision and threads chosen by the package, averaged generator,
  metrics.
- tutorial: the same networks and losses in float32, in a `train_step` as the Keras examples write it, without average.
- torch: the same networks, losses and average in PyTorch, see `train_step_torch.py`, in the precision that ours has
  here and channels-last.
- `--all` adds ours without oneDNN, that is with TensorFlow's own convolutions, which it takes by itself on processors
  without AVX512-VNNI; PyTorch as it comes, float32; and PyTorch with a compiled generator.

`--baseline` compares ours with ours of another version, which lies in the folder CHECKOUT: the default recipe as it is,
the same threads, in turns A B B A. Processes of one program differ by a per cent or two from start to start, so both
are started several times. The ratio's range is that of 95 % of the medians of rounds drawn again.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import random
import shlex
import statistics
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

_NUM_VALUES = (18, 14)
_CEILING = "ceiling"
_WITHOUT_ONEDNN = "ours, without oneDNN"
_AS_IT_IS = "ours, default recipe as it is"


# === Workers ===


def make_schema(size: int):
    """The conditions and pictures of all variants."""
    from tfproductgan.conditions import Attribute, ConditionSchema

    attributes = [
        Attribute(name, tuple(f"{name}{index}" for index in range(count)))
        for name, count in zip("ab", _NUM_VALUES, strict=True)
    ]
    return ConditionSchema(attributes, size, 3)


def make_model(size: int, width: int, batch: int, precision: str):
    """A `ConditionalGAN` of the default recipe; the discriminator's first stage is twice as wide as `width`."""
    from tfproductgan.models.conditional_gan import ConditionalGAN

    widths = {"generator": {"width": width, "max_width": 10 * width}, "discriminator": {"width": 2 * width}}
    widths["discriminator"]["max_width"] = 10 * width
    return ConditionalGAN.from_recipe("dcgan", make_schema(size), batch_size=batch, precision=precision, **widths)


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

    gan = make_model(size, width, batch, "auto")
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


def as_it_is(size: int, width: int, batch: int):
    """The package's own step by nothing that another version may not have; `width` is the recipe's."""
    import numpy as np

    from tfproductgan.models.conditional_gan import ConditionalGAN

    gan = ConditionalGAN.from_recipe("dcgan", make_schema(size), batch_size=batch)
    gan.compile()
    parameters = sum(int(np.prod(weight.shape)) for weight in gan.trainable_variables)
    return fit_function(gan, make_stream(gan)), {"parameters": parameters}


def tutorial(size: int, width: int, batch: int):
    """The same networks as the Keras examples would train them."""
    import keras
    import tensorflow as tf

    gan = make_model(size, width, batch, "float32")
    stream = make_stream(gan)

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
    adams = {role: keras.optimizers.Adam(**dataclasses.asdict(adam)) for role, adam in gan.recipe.optimizers.items()}
    model.d_optimizer, model.g_optimizer = adams["discriminator"], adams["generator"]
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


_WORKERS = {"ours": ours, "tutorial": tutorial, _CEILING: ceiling, _WITHOUT_ONEDNN: ours, _AS_IT_IS: as_it_is}


def work(name: str, size: int, width: int, batch: int) -> None:
    """Measure one variant: each line that comes in is a number of steps."""
    if name != "tutorial":
        os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0" if name == _WITHOUT_ONEDNN else "1"
    if name == _AS_IT_IS and len(os.sched_getaffinity(0)) == 2:
        os.environ["TF_NUM_INTRAOP_THREADS"] = "1"  # whatever that version would choose
    if _WORKERS[name] in (ours, as_it_is):
        from tfproductgan.cli.quiet import import_tensorflow

        # as the command line does, which chooses the threads
        import_tensorflow()
    step, about = _WORKERS[name](size, width, batch)
    for _ in range(4):
        step()
    print(json.dumps({"variant": name, **about}), flush=True)
    for line in sys.stdin:
        wall, spent = time.perf_counter(), time.process_time()
        for _ in range(int(line)):
            step()
        times = {"seconds": time.perf_counter() - wall, "processor": time.process_time() - spent}
        print(json.dumps(times), flush=True)


# === Parent ===


class Worker:
    """A process that measures when it is told to, and what it said of itself when it was ready."""

    def __init__(self, command, num_lines=1, first_line=None, checkout=None):
        env = os.environ if checkout is None else {**os.environ, "PYTHONPATH": str(checkout)}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, env=env)
        if first_line:
            self._say(first_line)
        lines = [self.process.stdout.readline() for _ in range(num_lines)]
        if not all(lines):
            raise SystemExit(f"A variant did not start. Run by hand to see why: {shlex.join(command)}")
        self.about = [json.loads(line) for line in lines]

    def _say(self, line):
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def measure(self, line):
        """What some steps took, in seconds of the clock and of processors."""
        self._say(line)
        return json.loads(self.process.stdout.readline())

    def stop(self):
        """End the process."""
        self.process.stdin.close()
        self.process.wait()


def command_of(name, size, args):
    """The command of a worker in TensorFlow."""
    options = {"--worker": name, "--sizes": size, "--width": args.width, "--batch": args.batch}
    return [sys.executable, __file__, *(str(word) for option in options.items() for word in option)]


def num_steps(worker, args):
    """Steps of one measurement: as many as take a second and a half, if it is not said."""
    return args.steps or max(1, round(3 / worker.measure(2)["seconds"]))


def start_variants(size, args):
    """Of each variant its worker, the line that makes it measure, and what it says of itself; and steps a line."""
    names = ("ours", "tutorial", _CEILING, *([_WITHOUT_ONEDNN] if args.all else []))
    workers = {name: Worker(command_of(name, size, args)) for name in names}
    steps = num_steps(workers["ours"], args)
    variants = {name: (worker, steps, worker.about[0]) for name, worker in workers.items()}
    if args.torch_python:
        wanted = torch_variants(variants["ours"][2]["precision"] == "mixed_bfloat16", args.all)
        job = {"variants": wanted, "spec": torch_spec(size, args.width, args.batch)}
        job |= {"steps": steps, "threads": len(os.sched_getaffinity(0))}
        command = [args.torch_python, str(Path(__file__).with_name("train_step_torch.py"))]
        worker = Worker(command, len(wanted), json.dumps(job))
        for about in worker.about:
            if "error" in about:
                print(f"  {about['variant']}: cannot run here: {about['error']}")
            else:
                variants[about["variant"]] = worker, about["variant"], about
    return variants, steps


def torch_variants(bfloat16, all_of_them):
    """What PyTorch is measured as, by name."""
    best = {"bfloat16": bfloat16, "channels_last": True, "compiled": False}
    variants = {f"torch, {'bfloat16' if bfloat16 else 'float32'}, channels last": best}
    if all_of_them:
        variants["torch, the same, compiled"] = {**best, "compiled": True}
        variants["torch, float32"] = {"bfloat16": False, "channels_last": False, "compiled": False}
    return variants


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
        **dataclasses.asdict(recipe.optimizers["generator"]),
        "clip": recipe.gradient_clip,
    }


def measure(size, args):
    """Print the table of one size."""
    print(f"\n{size} pixels, batch {args.batch}, width {args.width}")
    variants, steps = start_variants(size, args)
    about = {name: facts for name, (_, _, facts) in variants.items()}
    parameters = {tuple(facts["parameters"]) for facts in about.values() if "parameters" in facts}
    if len(parameters) > 1:
        raise SystemExit(f"The networks differ, the comparison means nothing: parameters {sorted(parameters)}")
    rounds = [
        {name: worker.measure(line)["seconds"] for name, (worker, line, _) in variants.items()}
        for _ in range(args.rounds or 9)
    ]
    for worker in {worker for worker, _, _ in variants.values()}:
        worker.stop()
    [(generator, discriminator)] = parameters
    print(f"  {generator:,} + {discriminator:,} parameters, ours in {about['ours']['precision']}")
    images = steps * args.batch
    for name in variants:
        if name != _CEILING:
            speed = statistics.median(images / times[name] for times in rounds)
            ratio = statistics.median(times[name] / times["ours"] for times in rounds)
            print(f"  {name:<32} {speed:8.1f} images/s   ours is {ratio:5.2f} times as fast")
    shares = [
        (about["ours"]["operations"] / times["ours"]) / (about[_CEILING]["operations"] / times[_CEILING])
        for times in rounds
    ]
    top = statistics.median(steps * about[_CEILING]["operations"] / times[_CEILING] / 1e9 for times in rounds)
    precision = about[_CEILING]["precision"]
    print(f"  {precision} convolutions reach {top:.0f} GFLOP/s here; our step {statistics.median(shares):.0%} of that")


def compare(size, args):
    """Print how long our step takes, divided by how long that of the other checkout does."""
    checkouts = {"ours": Path(__file__).resolve().parent.parent, "baseline": args.baseline.resolve()}
    pairs = []
    for start in range(args.starts):
        workers = {
            name: Worker(command_of(_AS_IT_IS, size, args), checkout=folder) for name, folder in checkouts.items()
        }
        parameters = {name: worker.about[0]["parameters"] for name, worker in workers.items()}
        if len(set(parameters.values())) > 1:
            raise SystemExit(f"The networks differ, the comparison means nothing: parameters {parameters}")
        steps, here = num_steps(workers["baseline"], args), []
        for number in range(args.rounds or 10):
            in_turn = list(workers)[:: 1 if number % 2 else -1]
            here.append({name: workers[name].measure(steps) for name in in_turn})
        for worker in workers.values():
            worker.stop()
        speed = statistics.median(steps * args.batch / times["baseline"]["seconds"] for times in here)
        print(
            f"{size} pixels, start {start + 1}: {ratio_of(here, 'seconds')}; baseline {speed:.1f} images/s", flush=True
        )
        pairs += here
    print(f"{size} pixels: ours takes {ratio_of(pairs, 'seconds')} times as long as the baseline")
    print(f"{size} pixels: processor time {ratio_of(pairs, 'processor')} times", flush=True)


def ratio_of(rounds, clock):
    """The median ratio and its range, as text."""
    ratios = [times["ours"][clock] / times["baseline"][clock] for times in rounds]
    draw = random.Random(0)
    medians = sorted(statistics.median(draw.choices(ratios, k=len(ratios))) for _ in range(1000))
    return f"{statistics.median(ratios):.3f} ({medians[25]:.3f} to {medians[974]:.3f})"


def main() -> None:
    """Measure every size."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[32, 64])
    parser.add_argument("--width", type=int, default=32, help="channels of the generator's last stage (default: 32)")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, help="steps of one measurement (default: as many as take 1.5 s)")
    parser.add_argument("--rounds", type=int, help="measurements of each variant (default: 9), or of a start (10)")
    parser.add_argument("--torch-python", metavar="PYTHON", help="an interpreter that has torch")
    parser.add_argument("--all", action="store_true", help="measure the variants that seldom matter too")
    parser.add_argument("--baseline", type=Path, metavar="CHECKOUT", help="compare with the version in this folder")
    parser.add_argument("--starts", type=int, default=3, help="of both versions, with --baseline (default: 3)")
    parser.add_argument("--worker", choices=_WORKERS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        work(args.worker, args.sizes[0], args.width, args.batch)
        return
    if args.baseline and not (args.baseline / "tfproductgan" / "__init__.py").is_file():
        parser.error(f"--baseline names a folder that holds tfproductgan/. Received: {args.baseline}")
    for size in args.sizes:
        (compare if args.baseline else measure)(size, args)


if __name__ == "__main__":
    main()
