"""Every family of networks on Keras's JAX backend: nothing of the networks and losses needs TensorFlow.

    pip install jax   # or jax[cuda12]
    python benchmarks/jax_families.py dcgan r3gan-published --batch 64 --dtype mixed_bfloat16 --peak 989

Prints, for each network, pictures a second forward and, for families of GANs, of a step: gradients of the
discriminator's loss with its penalties and of the generator's, without optimisers. With `--peak`, the chip's bfloat16
TFLOP/s, also the share of it that the step's operations, as XLA counts them, come to.
"""

from __future__ import annotations

import argparse
import os
import time

os.environ["KERAS_BACKEND"] = "jax"

import jax
import keras
import numpy as np

from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.losses.adversarial import adversarial_loss
from tfproductgan.losses.penalties import Penalty, points
from tfproductgan.recipes import RECIPES, Recipe, get_recipe
from tfproductgan.registry import kind_named, network_class


def first_recipes() -> list[str]:
    """The first recipe of each family."""
    found: dict[str, str] = {}
    for recipe in RECIPES.values():
        for network in recipe.networks.values():
            found.setdefault(network.family, recipe.name)
    return list(found.values())


def networks_of(recipe: Recipe, image_size: int, dtype: str, options: dict[str, object]) -> dict[str, keras.Model]:
    """The networks of a recipe by role, those options changed that they have."""
    attributes = [Attribute("kind", tuple("abcdefgh")), Attribute("colour", tuple("abcde"))]
    takes_pictures = kind_named(recipe.kind).asks == "translator"
    schema = ConditionSchema(attributes, image_size, 3, source_channels=3 if takes_pictures else None)
    networks = {}
    for role, spec in recipe.networks.items():
        made = network_class(spec.family, role)
        own = {name: value for name, value in options.items() if name in made.argument_names()}
        networks[role] = made(**made.arguments(schema), **{**spec.options, **own}, dtype=dtype, name=role)
    return networks


def inputs_for(network: keras.Model, batch: int) -> dict[str, np.ndarray]:
    """Pictures, latents and conditions; each network takes what it knows."""
    rng = np.random.default_rng(0)
    shape = (batch, network.image_size, network.image_size, network.channels)
    return {
        "images": rng.uniform(-1, 1, shape).astype("float32"),
        "source": rng.uniform(-1, 1, shape).astype("float32"),
        "latents": rng.normal(size=(batch, getattr(network, "latent_dim", 1))).astype("float32"),
        "conditions": rng.integers(0, network.num_ids, (batch, len(network.num_ids))).astype("int32"),
    }


def forward_of(network: keras.Model):
    """The network as a function of its weights and inputs."""
    fixed = [variable.value for variable in network.non_trainable_variables]
    return lambda weights, inputs: network.stateless_call(weights, fixed, inputs, training=True)[0]


def step_of(networks: dict[str, keras.Model], recipe: Recipe):
    """Gradients of both losses as a function of the weights of generator and discriminator and of inputs."""
    generate, judge = (forward_of(networks[role]) for role in ("generator", "discriminator"))
    loss = adversarial_loss(recipe.objective.loss)
    penalties = [Penalty(name, weight) for name, weight in recipe.objective.penalties.items()]

    def discriminator_loss(weights, real, fake, conditions):
        def judged(images):
            logits = judge(weights, {"images": images, "conditions": conditions})
            return logits.sum(), logits

        total, images = 0.0, {"real": real, "fake": fake}
        images |= {penalty.points: points(penalty.name, real, fake, 0.5) for penalty in penalties}
        slopes, logits = {}, {}
        for at, pictures in images.items():
            slopes[at], logits[at] = jax.grad(judged, has_aux=True)(pictures)
        for penalty in penalties:
            total += penalty.weight * penalty.value(slopes[penalty.points])
        return total + loss.discriminator(logits["real"], logits["fake"])

    def generator_loss(weights, others, inputs):
        conditions, fake = inputs["conditions"], generate(weights, inputs)
        logits = [judge(others, {"images": images, "conditions": conditions}) for images in (inputs["images"], fake)]
        return loss.generator(*logits), fake

    def step(weights, others, inputs):
        moves, fake = jax.grad(generator_loss, has_aux=True)(weights, others, inputs)
        return moves, jax.grad(discriminator_loss)(others, inputs["images"], fake, inputs["conditions"])

    return step


def measure(function, arguments, batch: int, seconds: float) -> tuple[float, float, object]:
    """Pictures a second, floating-point operations of a call, and what it gave."""
    compiled = jax.jit(function).lower(*arguments).compile()
    costs = compiled.cost_analysis() or {}
    result = jax.block_until_ready(compiled(*arguments))
    count, start = 0, time.perf_counter()
    while not count or time.perf_counter() - start < seconds:
        result = jax.block_until_ready(compiled(*arguments))
        count += 1
    return count * batch / (time.perf_counter() - start), costs.get("flops", float("nan")), result


def jobs_of(networks: dict[str, keras.Model], recipe: Recipe, batch: int) -> dict[str, tuple]:
    """What is measured: functions and what they are called with."""
    weights = {role: [variable.value for variable in each.trainable_variables] for role, each in networks.items()}
    jobs = {
        f"{role} forward": (forward_of(network), (weights[role], inputs_for(network, batch)))
        for role, network in networks.items()
    }
    if recipe.kind == "gan":
        inputs = inputs_for(networks["generator"], batch)
        jobs["step"] = (step_of(networks, recipe), (weights["generator"], weights["discriminator"], inputs))
    return jobs


def main() -> None:
    """Measure the families that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*", default=first_recipes(), help="by default one of each family")
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--dtype", default="float32", help="or mixed_bfloat16")
    parser.add_argument("--seconds", type=float, default=5.0, help="a measurement")
    parser.add_argument("--peak", type=float, help="TFLOP/s of the chip in bfloat16")
    parser.add_argument("--width", type=int, help="of all networks that have one, max_width too")
    options = parser.parse_args()
    size, dtype, width = options.image_size, options.dtype, options.width
    print(f"JAX {jax.__version__}, {jax.devices()[0].device_kind}, {dtype}, {size} px", flush=True)
    widths = {"width": width, "max_width": width, "widths": [width]} if width else {}
    for name in options.recipes:
        recipe = get_recipe(name).for_size(size)
        jobs = jobs_of(networks_of(recipe, size, dtype, widths), recipe, options.batch)
        for job, (function, arguments) in jobs.items():
            speed, operations, result = measure(function, arguments, options.batch, options.seconds)
            assert all(np.isfinite(np.asarray(leaf, "float32")).all() for leaf in jax.tree.leaves(result)), job
            reached = operations * speed / options.batch / 1e12
            share = f", {reached / options.peak:.1%} of the peak" if options.peak else ""
            print(f"{name:16} {job:22} {speed:10.1f} images/s {reached:8.2f} TFLOP/s{share}", flush=True)


if __name__ == "__main__":
    main()
