"""A training step of ours against a tutorial's loop and PyTorch, or against ours of another checkout; or what is in it.

Run: python benchmarks/train_step.py [--sizes 32 64] [--torch-python PYTHON] [--all] [--set FIELD=VALUE ...]
     python benchmarks/train_step.py --baseline CHECKOUT [--set FIELD=VALUE ...]
     python benchmarks/train_step.py --profile [--set FIELD=VALUE ...]

All variants live at the same time, each in a process of its own, and are measured in turn, in short rounds, so that
what else the machine does hits them alike; the ratios are medians over the rounds. A run of two sizes takes five
minutes. PyTorch need not be installed beside TensorFlow: `--torch-python` names an interpreter that has it. `--set`
changes the default recipe, as the option of `train` does.

- ours: `fit`'s function with everything a run has: precision and threads chosen by the package, averaged generator,
  metrics.
- tutorial: the same networks and losses in float32, in a `train_step` as the Keras examples write it, without average.
- torch: the same networks, losses and average in PyTorch, see `train_step_torch.py`, in the precision that ours has
  here and channels-last.
- `--all` adds ours without oneDNN, that is with TensorFlow's own convolutions, which it takes by itself on processors
  without AVX512-VNNI; ours compiled by XLA; PyTorch as it comes, float32; and PyTorch with a compiled generator.

Memory is the largest that the process ever had, and in brackets what the steps added to what it had before the first.
`generate` is asked for 64 pictures by name.

`--baseline` compares ours with ours of another version, which lies in the folder CHECKOUT: the same recipe, the same
threads, in turns A B B A. Processes of one program differ by a per cent or two from start to start, so both are started
several times. The ratio's range is that of 95 % of the medians of rounds drawn again.

`--profile` prints which share of a step's core-seconds goes where, by TensorFlow's own trace; see `step_profile.py`.
"""

from __future__ import annotations

import argparse
import functools
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

from measuring import measure_what_is_asked, measured_memory, peak_megabytes

_NUM_VALUES = (18, 14)
_CEILING = "ceiling"
_WITHOUT_ONEDNN = "ours, without oneDNN"
_WITH_XLA = "ours, compiled by XLA"
_AS_IT_IS = "ours, as a checkout has it"
_PICTURES = 64


# === The machine ===


def processor() -> str:
    """The processor's name, number of cores and matrix units, as far as the system tells."""
    from tfproductgan.machine import matrix_units, processor_name

    units = ", ".join(matrix_units()) or "unknown"
    return f"{processor_name() or 'processor unknown'}, {num_cores()} cores; matrix units: {units}"


def num_cores() -> int:
    """Cores that this process may use."""
    # here and not above: a worker may run an earlier version of the package, which has no such module
    from tfproductgan import machine

    return machine.num_cores()


# === Workers ===


def make_schema(size: int):
    """The conditions and pictures of all variants."""
    from tfproductgan.conditions import Attribute, ConditionSchema

    attributes = [
        Attribute(name, tuple(f"{name}{index}" for index in range(count)))
        for name, count in zip("ab", _NUM_VALUES, strict=True)
    ]
    return ConditionSchema(attributes, size, 3)


def make_recipe(args):
    """The default recipe with the changes of the command line."""
    from tfproductgan.recipes import get_recipe

    return get_recipe("dcgan").change([*args.set, (("batch_size",), args.batch)])


def make_model(size: int, recipe):
    """A `ConditionalGAN` that is not yet compiled."""
    from tfproductgan.models.conditional_gan import ConditionalGAN

    return ConditionalGAN.from_recipe(recipe, make_schema(size))


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


def ours(size: int, recipe, jit_compile=False):
    """The package's own step, and its pictures by name."""
    import numpy as np

    gan = make_model(size, recipe)
    gan.compile(jit_compile=jit_compile)
    about = {
        "parameters": [
            sum(int(np.prod(weight.shape)) for weight in network.trainable_variables)
            for network in gan.networks().values()
        ],
        "precision": gan.generator.dtype_policy.name,
        "spec": torch_spec(gan),
    }
    return fit_function(gan, make_stream(gan)), lambda: gan.generate(count=_PICTURES), about


def torch_spec(gan):
    """What PyTorch must know to make the same networks and step."""
    recipe, size, generator, discriminator = gan.recipe, gan.schema.image_size, gan.generator, gan.discriminator
    doublings = (size // 4).bit_length() - 1
    return {
        "num_ids": list(gan.schema.num_ids),
        "image_size": size,
        "form": generator.form,
        "upsampling": generator.upsampling,
        "latent_sizes": generator.latent_sizes,
        "inner_convs": [generator.inner_convs, discriminator.inner_convs],
        "generator_widths": [min(generator.max_width, generator.width * 2**k) for k in range(doublings, -1, -1)],
        "discriminator_widths": [min(discriminator.max_width, discriminator.width * 2**k) for k in range(doublings)],
        "latent_dim": generator.latent_dim,
        "embedding_dim": generator.embedding_dim,
        "penalties": dict(recipe.objective.penalties),
        "penalty_interval": recipe.objective.penalty_interval,
        "matching": recipe.objective.matching,
        "batch": recipe.batch_size,
        **adam_of(recipe, "generator"),
        "clip": recipe.gradient_clip,
    }


def adam_of(recipe, role):
    """What Adam is told at the start."""
    adam = recipe.optimizers[role]
    return {name: getattr(adam, name) for name in ("learning_rate", "beta_1", "beta_2")}


def tutorial(size: int, recipe):
    """The same networks as the Keras examples would train them."""
    import keras
    import tensorflow as tf

    from tfproductgan.losses.matching import matching_loss, with_others

    gan = make_model(size, recipe.replace(precision="float32"))
    stream = make_stream(gan)
    weights, interval = recipe.objective.penalties, recipe.objective.penalty_interval
    slices, matching = gan.schema.slices, recipe.objective.matching

    class TutorialGAN(keras.Model):
        def __init__(self):
            super().__init__()
            self.generator, self.discriminator = gan.generator, gan.discriminator
            self.d_tracker, self.g_tracker = keras.metrics.Mean("d_loss"), keras.metrics.Mean("g_loss")
            self.steps = self.add_weight(shape=(), dtype="int64", initializer="zeros", trainable=False)
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

        def judge_and_match(self, images, conditions):
            others = tf.stack([tf.roll(conditions, shift, 0) for shift in range(1, 1 + len(slices))], axis=1)
            asked = with_others(conditions, others, slices)
            logits = self.judge(images, asked)
            return logits[:, 0], matching * matching_loss(logits, asked, slices)

        def penalties(self, real, fake, conditions):
            pictures = {"r1": real, "r2": fake}
            return tf.add_n([interval * w * self.penalty(pictures[name], conditions) for name, w in weights.items()])

        def train_step(self, data):
            real, conditions = tf.cast(data["images"], tf.float32) / 127.5 - 1, data["conditions"]
            fake = self.draw(conditions)
            with tf.GradientTape() as tape:
                logits, d_loss = self.judge_and_match(real, conditions)
                d_loss += tf.reduce_mean(tf.nn.softplus(self.judge(fake, conditions) - logits))
                d_loss += tf.cond(
                    self.steps.value % interval == 0, lambda: self.penalties(real, fake, conditions), lambda: 0.0
                )
            self.steps.assign_add(1)
            gradients = tape.gradient(d_loss, self.discriminator.trainable_variables)
            self.d_optimizer.apply_gradients(zip(gradients, self.discriminator.trainable_variables, strict=True))
            with tf.GradientTape() as tape:
                logits, g_loss = self.judge_and_match(self.draw(conditions), conditions)
                g_loss += tf.reduce_mean(tf.nn.softplus(self.judge(real, conditions) - logits))
            gradients = tape.gradient(g_loss, self.generator.trainable_variables)
            self.g_optimizer.apply_gradients(zip(gradients, self.generator.trainable_variables, strict=True))
            self.d_tracker.update_state(d_loss)
            self.g_tracker.update_state(g_loss)
            return {"d_loss": self.d_tracker.result(), "g_loss": self.g_tracker.result()}

    model = TutorialGAN()
    adams = {role: keras.optimizers.Adam(**adam_of(gan.recipe, role)) for role in gan.recipe.optimizers}
    model.d_optimizer, model.g_optimizer = adams["discriminator"], adams["generator"]
    model.compile()
    return fit_function(model, stream), None, {}


def ceiling(size: int, recipe):
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
    about = {"operations": operations, "of_step": count_operations(size, recipe), "precision": precision.name}
    return lambda: step()[0].numpy(), None, about


def count_operations(size: int, recipe):
    """Floating-point operations of a step's convolutions and matrix products; of lazy penalties the mean over steps."""
    import tensorflow as tf

    from tfproductgan.losses.penalties import Penalty

    gan = make_model(size, recipe)
    batch = next(iter(make_stream(gan)))
    weights, interval = recipe.objective.penalties, recipe.objective.penalty_interval
    counts = []
    for penalties in ([Penalty(name, weight) for name, weight in weights.items()], *([[]] if interval > 1 else [])):
        gan.compile(penalties=penalties)
        graph = tf.function(gan.train_step, autograph=False).get_concrete_function(batch).graph
        needed, new = set(), {*(tensor.op for tensor in graph.outputs), *graph.control_outputs}
        while new:
            needed |= new
            new = {other for op in new for other in (*(t.op for t in op.inputs), *op.control_inputs)} - needed
        counts.append(sum(map(_operations, needed)))
    return sum(counts[-1:] * (interval - 1), counts[0]) / interval


def _operations(op):
    """Of one node of a graph: two for each product that is added up."""
    if op.type == "MatMul":
        return 2 * op.outputs[0].shape.num_elements() * op.inputs[0].shape[0 if op.get_attr("transpose_a") else 1]
    places = {
        "Conv2D": lambda: (op.inputs[1], op.outputs[0]),
        "Conv2DBackpropInput": lambda: (op.inputs[1], op.inputs[2]),
        "Conv2DBackpropFilter": lambda: (op.outputs[0], op.inputs[2]),
    }
    if op.type not in places:
        return 0
    kernel, small = places[op.type]()
    return 2 * small.shape.num_elements() * kernel.shape[:3].num_elements()


def fit_function(model, stream):
    """A function that takes one step as `fit` does and waits for it."""
    model.make_train_function()
    iterator = iter(stream)
    return lambda: {name: value.numpy() for name, value in model.train_function(iterator).items()}


_OURS = {
    "ours": ours,
    _WITHOUT_ONEDNN: ours,
    _WITH_XLA: functools.partial(ours, jit_compile=True),
    _AS_IT_IS: ours,
}
_WORKERS = {**_OURS, "tutorial": tutorial, _CEILING: ceiling}


def work(name: str, args) -> None:
    """Measure one variant: each line that comes in is what to do and how often."""
    if name != "tutorial":
        os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0" if name == _WITHOUT_ONEDNN else "1"
    if name in _OURS:
        from tfproductgan.cli.quiet import import_tensorflow

        # as the command line does, which chooses the threads
        import_tensorflow(side_by_side=args.sizes[0] < 64)
    step, generate, about = _WORKERS[name](args.sizes[0], make_recipe(args))
    before = peak_megabytes()
    for _ in range(4):
        step()
    if generate is not None:
        generate()
    print(json.dumps({"variant": name, **about, **measured_memory(before)}), flush=True)
    measure_what_is_asked({"step": step, "generate": generate})


# === Parent ===


class Worker:
    """A process that measures when it is told to; `ready` waits for what it says of itself."""

    def __init__(self, command, first_line=None, checkout=None):
        env = os.environ if checkout is None else {**os.environ, **environment_of(checkout)}
        pipe = subprocess.PIPE
        self.command = command
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, env=env)
        if first_line:
            self._say(first_line)

    def ready(self):
        """What it says of itself, once it can measure; how many steps take a second and a half is found out too."""
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"A variant did not start. Run by hand to see why: {shlex.join(self.command)}")
        self.about = json.loads(line)
        return self.about

    def _say(self, line):
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def measure(self, what, times):
        """What doing something some times took, in seconds of the clock and of processors."""
        self._say(f"{what} {times}")
        return json.loads(self.process.stdout.readline())

    def stop(self):
        """End the process."""
        self.process.stdin.close()
        self.process.wait()


def environment_of(checkout):
    """With which a worker runs the package of a checkout, with the same threads whatever that version would choose."""
    threads = {"TF_NUM_INTRAOP_THREADS": "1"} if num_cores() == 2 else {}
    return {"PYTHONPATH": str(checkout), **threads}


def command_of(name, size, args):
    """The command of a worker in TensorFlow."""
    changes = [f"--set={'.'.join(path)}={json.dumps(value)}" for path, value in args.set]
    options = ["--worker", name, "--sizes", str(size), "--batch", str(args.batch), *changes]
    return [sys.executable, __file__, *options]


def num_steps(worker):
    """Steps of one measurement: as many as take a second and a half."""
    return max(1, round(3 / worker.measure("step", 2)["seconds"]))


def start_variants(size, args):
    """Of each variant, by name, its worker. They start side by side, for tracing takes longest."""
    names = ("ours", "tutorial", _CEILING, *([_WITHOUT_ONEDNN, _WITH_XLA] if args.all else []))
    workers = {name: Worker(command_of(name, size, args)) for name in names}
    about = workers["ours"].ready()
    if args.torch_python:
        command = [args.torch_python, str(Path(__file__).with_name("train_step_torch.py"))]
        for name, options in torch_variants(about["precision"] == "mixed_bfloat16", args.all).items():
            job = {"options": options, "spec": about["spec"], "threads": num_cores(), "pictures": _PICTURES}
            workers[name] = Worker(command, json.dumps(job))
    for name, worker in [*workers.items()]:
        if name != "ours" and "error" in worker.ready():
            print(f"  {name}: cannot run here: {worker.about['error']}")
            workers.pop(name).stop()
    return workers


def torch_variants(bfloat16, all_of_them):
    """What PyTorch is measured as, by name."""
    best = {"bfloat16": bfloat16, "channels_last": True, "compiled": False}
    variants = {f"torch, {'bfloat16' if bfloat16 else 'float32'}, channels last": best}
    if all_of_them:
        variants["torch, the same, compiled"] = {**best, "compiled": True}
        variants["torch, float32"] = {"bfloat16": False, "channels_last": False, "compiled": False}
    return variants


def measure(size, args):
    """Print the table of one size."""
    print(f"\n{size} pixels, batch {args.batch}", flush=True)
    workers = start_variants(size, args)
    parameters = {tuple(w.about["parameters"]) for w in workers.values() if "parameters" in w.about}
    if len(parameters) > 1:
        raise SystemExit(f"The networks differ, the comparison means nothing: parameters {sorted(parameters)}")
    steps = {name: num_steps(worker) for name, worker in workers.items()}
    rounds, spent, end = [], [], time.monotonic() + args.seconds
    while len(rounds) < 5 or time.monotonic() < end:
        taken = {name: worker.measure("step", steps[name]) for name, worker in workers.items()}
        rounds.append({name: times["seconds"] / steps[name] for name, times in taken.items()})
        spent.append({name: times["processor"] / steps[name] for name, times in taken.items()})
    drawn = {
        name: drawing_speed(worker) for name, worker in workers.items() if worker.about.get("draws", name == "ours")
    }
    for worker in workers.values():
        worker.stop()
    [(generator, discriminator)] = parameters
    print(f"  {generator:,} + {discriminator:,} parameters, ours in {workers['ours'].about['precision']}")
    print(
        f"  {len(rounds):<3} rounds {'images/s':>31}  ours is faster (by core-seconds)     memory (steps)   generate/s"
    )
    for name, worker in workers.items():
        if name != _CEILING:
            speed = statistics.median(args.batch / times[name] for times in rounds)
            ratio, of_cores = (statistics.median(r[name] / r["ours"] for r in each) for each in (rounds, spent))
            memory = f"{worker.about['megabytes']} MB ({worker.about['of_steps']})"
            pictures = f"{drawn[name]:.0f}" if name in drawn else "-"
            print(f"  {name:<32} {speed:8.1f}  {ratio:14.2f} ({of_cores:.2f})  {memory:>27}  {pictures:>10}")
    about = workers[_CEILING].about
    top = statistics.median(about["operations"] / times[_CEILING] / 1e9 for times in rounds)
    share = statistics.median(about["of_step"] / r["ours"] * r[_CEILING] / about["operations"] for r in rounds)
    print(f"  {about['precision']} convolutions reach {top:.0f} GFLOP/s here; our step {share:.0%} of that", flush=True)


def drawing_speed(worker):
    """Pictures a second by name, the median of five times."""
    return statistics.median(_PICTURES / worker.measure("generate", 1)["seconds"] for _ in range(5))


def compare(size, args):
    """Print how long our step takes, divided by how long that of the other checkout does."""
    checkouts = {"ours": Path(__file__).resolve().parent.parent, "baseline": args.baseline.resolve()}
    pairs = []
    for start in range(args.starts):
        workers = {
            name: Worker(command_of(_AS_IT_IS, size, args), checkout=folder) for name, folder in checkouts.items()
        }
        parameters = {name: worker.ready()["parameters"] for name, worker in workers.items()}
        if len(set(map(tuple, parameters.values()))) > 1:
            raise SystemExit(f"The networks differ, the comparison means nothing: parameters {parameters}")
        steps, here = num_steps(workers["baseline"]), []
        for number in range(args.rounds):
            in_turn = list(workers)[:: 1 if number % 2 else -1]
            here.append({name: workers[name].measure("step", steps) for name in in_turn})
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


def profile(size, args):
    """Print where the time of a step of one size goes."""
    from step_profile import print_profile

    from tfproductgan.cli.quiet import import_tensorflow

    import_tensorflow()
    step, _, _ = ours(size, make_recipe(args))
    for _ in range(4):
        step()
    print(f"\n{size} pixels, batch {args.batch}")
    print_profile(step, args.batch, num_cores())


def main() -> None:
    """Measure every size."""
    from tfproductgan.cli.values import parse_override

    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[32, 64])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--set", action="append", default=[], type=parse_override, metavar="FIELD=VALUE")
    parser.add_argument(
        "--seconds", type=float, default=45, help="of measuring a size, at least 5 rounds (default: 45)"
    )
    parser.add_argument("--torch-python", metavar="PYTHON", help="an interpreter that has torch")
    parser.add_argument("--all", action="store_true", help="measure the variants that seldom matter too")
    parser.add_argument("--baseline", type=Path, metavar="CHECKOUT", help="compare with the version in this folder")
    parser.add_argument("--starts", type=int, default=3, help="of both versions, with --baseline (default: 3)")
    parser.add_argument("--rounds", type=int, default=10, help="of each start, with --baseline (default: 10)")
    parser.add_argument("--profile", action="store_true", help="print what a step's time goes into")
    parser.add_argument("--worker", choices=_WORKERS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        work(args.worker, args)
        return
    if args.baseline and not (args.baseline / "tfproductgan" / "__init__.py").is_file():
        parser.error(f"--baseline names a folder that holds tfproductgan/. Received: {args.baseline}")
    print(processor())
    for size in args.sizes:
        (profile if args.profile else compare if args.baseline else measure)(size, args)


if __name__ == "__main__":
    main()
