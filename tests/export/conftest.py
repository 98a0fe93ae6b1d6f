import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.export.saved_model import export_saved_model
from tfproductgan.models.conditional_gan import ConditionalGAN

# more values than a message lists, letters beyond ASCII, a name that Python keeps for itself
COLOURS = ("Gold", "Navy Blue", "Weiß", "Écru", *(f"Pantone {number}" for number in range(100, 112)))
CLASSES = ("Ring", "Mug", "Sports Shoes")


def served_schema(image_size=32, channels=3):
    attributes = [Attribute("class", CLASSES), Attribute("base colour", COLOURS), Attribute("view", ("Front", "Side"))]
    rows = [(1, 1, 1)] * 40 + [(1, 2, 2)] * 7 + [(1, 3, 1)] + [(2, 4, 0)] * 12 + [(2, 0, 2)] * 5 + [(3, 2, 1)] * 3
    return ConditionSchema(attributes, image_size, channels).with_combinations(rows)


def small_generator(schema, family="dcgan", precision="float32"):
    """Not trained, but with weights large enough that pictures differ."""
    width = {"widths": (16, 16)} if family == "mlp" else {"width": 4, "max_width": 8}
    options = {"latent_dim": 6, "embedding_dim": 4, **width}
    gan = ConditionalGAN.from_recipe(
        "dcgan", schema, family=family, generator=options, discriminator=width, precision=precision
    )
    rng = np.random.default_rng(0)
    for weight in gan.ema_generator.trainable_weights:
        weight.assign(weight + rng.normal(0, 0.2, weight.shape))
    return gan.trained_generator()


@pytest.fixture(scope="session")
def generator():
    return small_generator(served_schema())


@pytest.fixture(scope="session")
def exported(generator, tmp_path_factory):
    """The folder of a version."""
    return export_saved_model(generator, tmp_path_factory.mktemp("saved_models") / "shop")


@pytest.fixture(scope="session")
def served(exported):
    """What the folder answers: `served("generate", seed=[1], ...)`, inputs that are left out are ordinary."""
    signatures = tf.saved_model.load(str(exported)).signatures

    def ask(signature, **inputs):
        function = signatures[signature]
        rows = max(len(value) for value in inputs.values())
        complete = {}
        for name, spec in function.structured_input_signature[1].items():
            ordinary = "" if spec.dtype == tf.string else 1.0 if "truncation" in name else 0
            complete[name] = tf.constant(inputs.get(name, [ordinary] * rows), spec.dtype)
        [answer] = function(**complete).values()
        return answer.numpy()

    return ask


@pytest.fixture(name="small_generator", scope="session")
def small_generator_fixture():
    return small_generator


@pytest.fixture(name="served_schema", scope="session")
def served_schema_fixture():
    return served_schema
