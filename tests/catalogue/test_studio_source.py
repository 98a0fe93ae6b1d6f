import numpy as np
import pytest

from tfproductgan import studio
from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.errors import CatalogueError


def test_the_studio_is_a_catalogue():
    catalogue = Catalogue.studio(count=30, image_size=28, seed=5)
    assert catalogue.schema.names == ("category", "colour", "material")
    assert catalogue.schema.attribute("category").values == studio.ATTRIBUTES["category"]
    assert catalogue.size("train") + catalogue.size("validation") == 30
    first = next(p for p in (studio.product(5, i) for i in range(30)) if p.description == catalogue.captions()[0])
    np.testing.assert_array_equal(catalogue.images()[0], studio.render_image(first, 28))
    assert catalogue.schema.decode(catalogue.conditions()[0])["colour"] == first.colour
    assert Catalogue.studio(count=30, image_size=28, seed=5).fingerprint == catalogue.fingerprint
    assert Catalogue.studio(count=30, image_size=28, seed=6).fingerprint != catalogue.fingerprint


def test_a_product_has_its_side_at_every_size_and_count():
    small = Catalogue.studio(count=30, image_size=28, attributes=["view"], splits={"validation": 0.3})
    large = Catalogue.studio(count=40, image_size=32, attributes="view", splits={"validation": 0.3})
    assert set(small.captions("validation")) <= set(large.captions("validation"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attributes": ["color"]}, "did you mean 'colour'"),
        ({"count": 0}, "count"),
        ({"seed": -1}, "seed"),
        ({"count": 3, "image_size": 20}, "28 to 256"),
    ],
)
def test_wrong_arguments(options, message):
    with pytest.raises(CatalogueError, match=message):
        Catalogue.studio(**options)
