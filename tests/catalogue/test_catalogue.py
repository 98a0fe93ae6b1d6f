import numpy as np
import pytest

from tfproductgan.catalogue.catalogue import Catalogue


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TFPRODUCTGAN_CACHE", str(tmp_path / "cache"))


def test_arrays_become_batches():
    images = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3), np.uint8)
    colours = ["red", "blue", "Red ", None] * 10
    catalogue = Catalogue.from_arrays(images, {"colour": colours})
    assert [a.values for a in catalogue.schema.attributes] == [("blue", "red")]
    batch = next(iter(catalogue.stream(batch_size=8)))
    assert batch["images"].shape == (8, 16, 16, 3)
    assert batch["conditions"].shape == (8, 1)
