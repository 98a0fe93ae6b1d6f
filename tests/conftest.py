import dataclasses
import fcntl
import gc
import importlib.metadata
import inspect
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping

import numpy as np
import pytest
from packaging.requirements import Requirement

from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.recipes import RECIPES
from tfproductgan.registry import network_class

# as the command line does, before TensorFlow is imported: some tests compare both to the last bit
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
if "PYTEST_XDIST_WORKER" in os.environ:
    # each core has a process of its own
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

# a shell that starts the tests in the background has Ctrl-C ignored, and so would all that they start
signal.signal(signal.SIGINT, signal.default_int_handler)

COLOURS = {"Gold": (212, 175, 55), "Navy Blue": (20, 30, 90), "Fluorescent Green": (90, 240, 60)}
EXPONENTS = {"Ring": 2.0, "Mug": 8.0, "Sports Shoes": 1.0}  # of a superellipse: disc, square, diamond


@dataclasses.dataclass(frozen=True)
class Request:
    conditions: Mapping[str, str]
    seed: int
    truncation: float = 1.0


class Painter:
    """A model that draws by name, as `Sampler` promises, without a network or training."""

    asks = "sampler"
    model_id = "painter-1"

    def __init__(self, image_size=64, channels=3, most_frequent="Mug"):
        self.provenance = {}
        attributes = [
            Attribute("category", tuple(EXPONENTS)),
            Attribute("colour", tuple(COLOURS)),
            Attribute("view", ("Front", "Side")),
        ]
        schema = ConditionSchema(attributes, image_size, channels)
        wanted = schema.attribute("category").id_of(most_frequent)
        rows = [(a, b, c) for a in (1, 2, 3) for b in (1, 2, 3) for c in (1, 2)]
        self.schema = schema.with_combinations(rows + [row for row in rows if row[0] == wanted])

    def plan(self, conditions=None, count=None, seed=0, truncation=1.0, complete=True):
        rows = [conditions] if conditions is None or isinstance(conditions, Mapping) else list(conditions)
        requests = []
        for i in range(len(rows) if count is None else count):
            ids = self.schema.encode(rows[i % len(rows)])
            if complete:
                ids = self.schema.complete(ids, np.random.default_rng(seed + i).random())
            requests.append(Request(self.schema.decode(ids), seed + i, truncation))
        return requests

    def draw(self, requests):
        return np.stack([self._paint(*self._latent(request)) for request in requests])

    def generate(self, conditions=None, count=None, seed=0, truncation=1.0):
        return self.draw(self.plan(conditions, count, seed, truncation))

    def interpolate(self, first, second, steps):
        ends = [self._latent(first), self._latent(second)]
        return np.stack(
            [
                self._paint(*[(1 - t) * np.asarray(a) + t * np.asarray(b) for a, b in zip(*ends, strict=True)])
                for t in np.linspace(0, 1, steps)
            ]
        )

    def _latent(self, request):
        shift = np.random.default_rng(request.seed).uniform(-0.3, 0.3, 2) * request.truncation
        colour = COLOURS.get(request.conditions.get("colour"), (128, 128, 128))
        width = 0.3 if request.conditions.get("view") == "Side" else 0.6
        return shift, np.array(colour), EXPONENTS.get(request.conditions.get("category"), 4.0), width

    def _paint(self, shift, colour, exponent, width):
        size, channels = self.schema.image_size, self.schema.channels
        y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
        inside = np.abs((x - shift[0]) / width) ** exponent + np.abs((y - shift[1]) / 0.6) ** exponent < 1
        return np.where(inside[..., None], colour[:channels], 255).astype(np.uint8)


@pytest.fixture
def painter():
    return Painter()


@pytest.fixture
def grey_painter():
    return Painter(image_size=28, channels=1)


# more values than a message lists, letters beyond ASCII, a name that Python keeps for itself
SERVED_COLOURS = ("Gold", "Navy Blue", "Weiß", "Écru", *(f"Pantone {number}" for number in range(100, 112)))
SERVED_CLASSES = ("Ring", "Mug", "Sports Shoes")


def served_schema(image_size=32, channels=3):
    attributes = [
        Attribute("class", SERVED_CLASSES),
        Attribute("base colour", SERVED_COLOURS),
        Attribute("view", ("Front", "Side")),
    ]
    rows = [(1, 1, 1)] * 40 + [(1, 2, 2)] * 7 + [(1, 3, 1)] + [(2, 4, 0)] * 12 + [(2, 0, 2)] * 5 + [(3, 2, 1)] * 3
    return ConditionSchema(attributes, image_size, channels).with_combinations(rows)


def small_generator(schema, family="dcgan", precision="float32"):
    """Not trained, but with weights large enough that pictures differ."""
    from tfproductgan.models.conditional_gan import ConditionalGAN

    width = {"widths": (16, 16)} if family == "mlp" else {"width": 4, "max_width": 8}
    options = {"latent_dim": 6, "embedding_dim": 4, **width}
    gan = ConditionalGAN.from_recipe(
        "dcgan", schema, family=family, generator=options, discriminator=width, precision=precision
    )
    shake(gan)
    return gan.trained()


def shake(model):
    """Give the averaged networks weights large enough that pictures differ."""
    rng = np.random.default_rng(0)
    for network in model.averages().values():
        network.trainable = True  # or none of its weights would count as learnt
        for weight in network.trainable_weights:
            weight.assign(weight + rng.normal(0, 0.05, weight.shape))
        network.trainable = False
        if hasattr(network, "level"):  # nearly grown, for all of it to play a part
            network.level.assign(len(network.sides) - 1.5)


@pytest.fixture(scope="session")
def generator():
    return small_generator(served_schema())


def _given(function):
    """A fixture that is the function itself, by its name."""
    return pytest.fixture(lambda: function, name=function.__name__, scope="session")


small_generator_fixture = _given(small_generator)
shake_fixture = _given(shake)
served_schema_fixture = _given(served_schema)


@pytest.fixture(autouse=True)
def same_weights_each_time(request):
    """What is made in a test of layers, networks or conversions: how fast power iterations converge depends on the
    kernel, and what is lost with few bits on all weights.
    """
    if request.path.parent.name in ("layers", "networks", "compression"):
        import keras

        keras.utils.set_random_seed(0)


def pytest_collection_finish():
    """Keep the garbage collector from looking through all that is imported again and again while graphs are traced."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000)
    if tf := sys.modules.get("tensorflow"):
        tf.config.optimizer.set_experimental_options(AS_TRACED)


# A fifth of what a tiny model costs is that TensorFlow rewrites its graphs for speed. It does so for whatever tests
# start by a command line, as people do, and for the commands that CI runs beside the tests.
AS_TRACED = {"disable_meta_optimizer": True}


@pytest.fixture(scope="session")
def left_by_a_kill():
    """`left_by_a_kill(run, step, copy)` is a callback: it copies a run directory as a kill after a step would leave it.

    To stop a training there and start it again would take the time of one more.
    """
    import keras

    class LeftByAKill(keras.callbacks.Callback):
        def __init__(self, run, step, copy):
            super().__init__()
            self.run, self.step, self.copy = run, step, copy

        def on_train_batch_end(self, batch, logs=None):
            if self.model.step == self.step:
                shutil.copytree(self.run, self.copy)

    return LeftByAKill


PROGRAM = """
import gc, os, runpy, sys
import tensorflow as tf
gc.freeze()
tf.config.optimizer.set_experimental_options(options)
os.environ.update(environment)
output = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.dup2(output, 1), os.dup2(output, 2)
sys.argv = words
sys.path.append(os.path.dirname(words[0]))
runpy.run_path(words[0], run_name="__main__")
"""


@pytest.fixture(scope="session")
def start():
    """Starts Python programs that are killed and waited for, as `multiprocessing.Process`es.

    `start([path, *words], environment, said)` is `python path words...` with variables added to the environment and
    what it says appended to a file; `options` are for TensorFlow's rewriting of graphs. The processes are forked from
    one that has imported TensorFlow and this package: importing takes longer than most of them live. They leave out
    what Python does at its end, where TensorFlow's libraries wait for threads that only the first process has: what is
    to be seen there needs a `subprocess`.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "tensorflow_datasets", "tfproductgan.training.trainer"])

    def start(words, environment=None, said=os.devnull, options=AS_TRACED):
        names = {
            "words": list(map(str, words)),
            "environment": environment or {},
            "said": str(said),
            "options": options,
        }
        process = context.Process(target=exec, args=(PROGRAM, names))
        process.start()
        return process

    return start


@pytest.fixture(scope="session")
def tensorflow_environment(tmp_path_factory, worker_id):
    """The folder of a virtual environment that has this TensorFlow, what it requires and nothing of ours, for all
    processes of the tests.

    Its files are links to those that are installed, which takes no time. Tests look into it or copy it.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "tensorflow"
    with open(folder.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "whole").exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
            [packages] = folder.glob("lib/*/site-packages")
            for distribution in distributions_of_tensorflow():
                for file in distribution.files:
                    target = packages / file
                    if ".." not in file.parts and not target.exists():
                        target.parent.mkdir(parents=True, exist_ok=True)
                        os.link(file.locate(), target)
            (folder / "whole").touch()
    return folder


def distributions_of_tensorflow():
    """The installed distributions that `pip install tensorflow` would bring."""
    names = {distribution.name for distribution in importlib.metadata.distributions()}
    wanted, found = sorted({"tensorflow", "tensorflow-cpu"} & names)[-1:], {}
    while wanted:
        distribution = importlib.metadata.distribution(wanted.pop())
        if distribution.name not in found:
            found[distribution.name] = distribution
            requirements = map(Requirement, distribution.requires or ())
            wanted += [need.name for need in requirements if not need.marker or need.marker.evaluate({"extra": ""})]
    return found.values()


# by which options networks are told to do without something
OFF = {"dropout": 0.0, "group": 1}
SMALLEST = {"width": 8, "max_width": 8, "widths": [8], "num_blocks": 1, "latent_dim": 6, "embedding_dim": 4}
# steps are traced one by one, and what looks at features needs no download
LEAST_LEARNT = {
    "discriminator_steps": 1,
    "features": "random",
    "feature_layer": "relu1_1",
    "content_layer": "relu1_2",
    "style_layers": ["relu1_1"],
}


def _families():
    """The first recipe of each kind and family."""
    found = {}
    for recipe in RECIPES.values():
        families = dict.fromkeys(network.family for network in recipe.networks.values())
        found.setdefault("-".join([recipe.kind, *families]), recipe)
    return found


@pytest.fixture(scope="module", params=_families().values(), ids=_families())
def smallest(request):
    """Makes the recipe of a family with networks as small as they can be; tests that ask for it see every family."""

    def make(**changes):
        options = {}
        for role, spec in request.param.networks.items():
            takes = inspect.signature(network_class(spec.family, role).__init__).parameters
            options[role] = {**spec.options, **{option: value for option, value in SMALLEST.items() if option in takes}}
            options[role] |= {option: OFF[option] for option in changes.get("without", ()) if option in takes}
        options |= {option: value for option, value in LEAST_LEARNT.items() if hasattr(request.param.objective, option)}
        return request.param.replace(**options, **{name: v for name, v in changes.items() if name != "without"})

    return make
