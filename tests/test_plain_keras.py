"""What docs/keras.md promises and no other test looks at; its code runs in test_documentation.py.

Callbacks of Keras are in models/test_conditional_gan.py and training/test_resume.py, data of one's own in
models/test_batches.py, strategies in models/two_replicas.py, trackers in test_tracking.py.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfproductgan as tpg

SCHEMA = tpg.ConditionSchema([tpg.Attribute("colour", ("Blue", "Gold"))], image_size=6, channels=1)


def compiled(*optimizers, **changes):
    tiny = {"generator": {"widths": (8,)}, "discriminator": {"widths": (8,)}, "precision": "float32"}
    gan = tpg.ConditionalGAN.from_recipe("mlp", SCHEMA, **tiny, **changes)
    gan.compile(*optimizers, run_eagerly=True)  # a step or two are not worth a graph
    return gan


def photos(steps):
    """A pipeline of one's own."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (8 * steps, 6, 6, 1)).astype("uint8")
    ids = rng.integers(0, 3, (8 * steps, 1)).astype("int32")
    pairs = tf.data.Dataset.from_tensor_slices((pictures, ids))
    return pairs.map(lambda images, conditions: {"images": images, "conditions": conditions}).batch(8)


def test_each_optimiser_of_ones_own_moves_its_own_network():
    still, schedule = keras.optimizers.SGD(0.0), keras.optimizers.schedules.CosineDecay(1e-2, 10)
    gan = compiled(still, keras.optimizers.AdamW(schedule, weight_decay=1e-4))
    assert gan.generator_optimizer is still
    before = [[np.array(weight) for weight in network.trainable_weights] for network in gan.networks().values()]
    gan.fit(photos(2), verbose=0)
    after = [network.trainable_weights for network in gan.networks().values()]
    moved = [
        any(np.any(old != np.array(new)) for old, new in zip(*pair, strict=True))
        for pair in zip(before, after, strict=True)
    ]
    assert dict(zip(gan.networks(), moved, strict=True)) == {"generator": False, "discriminator": True}


@pytest.mark.filterwarnings("ignore")
def test_keras_tuner_searches_fields_of_recipes(tmp_path):
    keras_tuner = pytest.importorskip("keras_tuner")

    class RecipeSearch(keras_tuner.RandomSearch):
        def run_trial(self, trial):
            found = trial.hyperparameters
            recipe = tpg.get_recipe("mlp", learning_rate=found.Choice("learning_rate", [1e-4, 1e-2]), images=16)
            recipe = recipe.change([(("generator", "widths"), [found.Choice("width", [4, 8])])])
            rate, [width] = recipe.optimizers["generator"].learning_rate, recipe.networks["generator"].options["widths"]
            return rate * width

    objective = keras_tuner.Objective("val_distance", "min")
    search = RecipeSearch(objective=objective, directory=tmp_path, project_name="x", max_trials=3, seed=0)
    search.search()
    tried = [trial.hyperparameters.values for trial in search.oracle.trials.values()]
    assert len(tried) == 3
    best = search.get_best_hyperparameters()[0].values
    assert best == min(tried, key=lambda values: values["learning_rate"] * values["width"])
