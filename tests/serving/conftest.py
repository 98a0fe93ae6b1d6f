import numpy as np
import pytest


@pytest.fixture(scope="session")
def shop_generator():
    """A small generator, not trained, whose pictures differ."""
    from tfproductgan.conditions import Attribute, ConditionSchema
    from tfproductgan.models.conditional_gan import ConditionalGAN

    attributes = [Attribute("category", ("Ring", "Mug", "Watch")), Attribute("base colour", ("Gold", "Weiß"))]
    rows = [(1, 1)] * 5 + [(2, 2)] * 3 + [(3, 0)] + [(2, 1)] * 2
    schema = ConditionSchema(attributes, image_size=16).with_combinations(rows)
    options = {"latent_dim": 6, "embedding_dim": 4, "widths": (16, 16)}
    gan = ConditionalGAN.from_recipe("dcgan", schema, family="mlp", generator=options, discriminator={"widths": (8,)})
    rng = np.random.default_rng(0)
    for weight in gan.ema_generator.trainable_weights:
        weight.assign(weight + rng.normal(0, 0.3, weight.shape))
    return gan.trained_generator()


@pytest.fixture(scope="session")
def shop(shop_generator, tmp_path_factory):
    """The generator as a SavedModel: the folder of version 1 of the model `shop`."""
    from tfproductgan.export.saved_model import export_saved_model

    return export_saved_model(shop_generator, tmp_path_factory.mktemp("saved_models") / "shop")


@pytest.fixture(scope="session")
def shop_server(shop):
    """Our server of it, which tests only ask."""
    from tfproductgan.serving.server.running import Server

    with Server(shop.parent.parent) as server:
        yield server
