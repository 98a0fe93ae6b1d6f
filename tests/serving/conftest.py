import pytest

from tfproductgan.conditions import Attribute, ConditionSchema


@pytest.fixture(scope="session")
def shop_generator(small_generator):
    """A small generator, not trained, whose pictures differ."""
    attributes = [Attribute("category", ("Ring", "Mug", "Watch")), Attribute("base colour", ("Gold", "Weiß"))]
    rows = [(1, 1)] * 5 + [(2, 2)] * 3 + [(3, 0)] + [(2, 1)] * 2
    schema = ConditionSchema(attributes, image_size=16).with_combinations(rows)
    return small_generator(schema, "mlp")


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
