import numpy as np
import pytest

from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.errors import CatalogueError


def numbered(first, count, kinds=("Boot", "Sandal"), channels=1, size=4, validation=2):
    """Photo `i` is filled with `first + i`."""
    levels = np.arange(first, first + count, dtype=np.uint8)
    images = np.broadcast_to(levels[:, None, None, None], (count, size, size, channels)).copy()
    splits = ["train"] * (count - validation) + ["validation"] * validation
    labels = {"kind": [kinds[i % 2] for i in range(count)]}
    return Catalogue.from_arrays(images, labels, splits, channels=channels, image_size=size)


@pytest.fixture(scope="module")
def both():
    return Catalogue.from_unpaired(numbered(100, 12), numbered(0, 22, channels=3))


def levels(stream, steps=None):
    """Of photos and of what goes in, `[steps, B]` each."""
    batches = list(stream if steps is None else stream.take(steps))
    return [np.stack([batch[name].numpy()[:, 0, 0, 0] for batch in batches]) for name in ("images", "source")]


def test_labels_are_those_of_the_photos_and_pictures_go_in(both):
    assert (both.schema.names, both.schema.channels, both.schema.source_channels) == (("kind",), 3, 1)
    assert (both.size(), both.size("validation"), both.paired) == (20, 2, False)
    assert "12 go in (10 train, 2 validation)" in both.summary() and "unpaired: train 10" in repr(both)


def test_each_set_comes_in_an_order_of_its_own(both):
    photos, sources = levels(both.stream(batch_size=10, seed=4), 8)
    for epoch in range(0, 8, 2):
        assert sorted(photos[epoch : epoch + 2].ravel()) == list(range(20))
    assert all(sorted(step) == list(range(100, 110)) for step in sources)
    equal = Catalogue.from_unpaired(numbered(100, 12), numbered(0, 12))
    photos, sources = levels(equal.stream(batch_size=10, seed=4), 6)
    assert (
        len({(photo, source) for row in zip(photos, sources, strict=True) for photo, source in zip(*row, strict=True)})
        > 30
    )


def test_a_stream_that_starts_later_or_is_shared_is_the_same(both):
    whole = levels(both.stream(batch_size=4, seed=7), 9)
    later = levels(both.stream(batch_size=4, seed=7, start_step=5), 4)
    half = levels(both.stream(batch_size=4, seed=7, part=(1, 2)), 9)
    for all_, rest, part in zip(whole, later, half, strict=True):
        np.testing.assert_array_equal(rest, all_[5:])
        np.testing.assert_array_equal(part, all_[:, 2:])


def test_one_pass_takes_what_goes_in_from_the_start_again(both):
    photos, sources = levels(both.stream(batch_size=5, repeat=False))
    np.testing.assert_array_equal(photos.ravel(), np.arange(20))
    np.testing.assert_array_equal(sources.ravel(), 100 + np.arange(20) % 10)
    alone = np.concatenate(list(both.source_batches("train", 7)))
    np.testing.assert_array_equal(alone[:, 0, 0, 0], sources.ravel())


def test_a_fingerprint_knows_both_sets(both):
    other = Catalogue.from_unpaired(numbered(101, 12), numbered(0, 22, channels=3))
    again = Catalogue.from_unpaired(numbered(100, 12), numbered(0, 22, channels=3))
    assert other.fingerprint != both.fingerprint == again.fingerprint


def test_sets_that_cannot_be(both):
    with pytest.raises(CatalogueError, match="The two sets are the same: all 12 photos of one are in the other"):
        Catalogue.from_unpaired(numbered(0, 12), numbered(0, 12))
    with pytest.raises(CatalogueError, match=r"Both sets need pictures of one size. Received: 5 and 4 pixels"):
        Catalogue.from_unpaired(numbered(0, 12, size=5), numbered(50, 12))
    overlapping = Catalogue.from_unpaired(numbered(20, 12), numbered(0, 22))
    assert any("2 photos of both sets are the same" in note for note in overlapping.notes)
    assert "validation" not in Catalogue.from_unpaired(numbered(100, 12, validation=0), numbered(0, 12)).splits
