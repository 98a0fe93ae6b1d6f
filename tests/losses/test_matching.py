import numpy as np

from tfproductgan.losses.matching import matching_loss, with_others

SLICES = (slice(0, 1), slice(1, 3))  # the second takes two values


OTHERS = np.array([[[9, 9, 9], [8, 8, 8]], [[7, 7, 7], [6, 6, 0]], [[5, 5, 5], [4, 4, 4]]])


def test_others_have_one_attribute_of_another_photo():
    ids = np.array([[1, 4, 5], [2, 6, 0], [3, 7, 8]])
    asked = np.array(with_others(ids, OTHERS, SLICES))
    np.testing.assert_array_equal(asked[:, 0], ids)
    np.testing.assert_array_equal(asked[:, 1], [[9, 4, 5], [7, 6, 0], [5, 7, 8]])
    np.testing.assert_array_equal(asked[:, 2], [[1, 8, 8], [2, 6, 0], [3, 4, 4]])


def test_a_lead_over_others_is_what_counts():
    asked = with_others(np.array([[1, 4, 5], [2, 5, 0], [3, 7, 8]]), OTHERS, SLICES)
    logits = np.random.default_rng(0).normal(size=(3, 3)).astype(np.float32)
    leads = logits[:, :1] - logits[:, 1:]
    np.testing.assert_allclose(matching_loss(logits, asked, SLICES), np.log1p(np.exp(-leads)).mean(), rtol=1e-6)


def test_what_is_not_given_or_shared_does_not_count():
    # of the first attribute the same or nothing; of the second nothing, or a value that the other has as well
    own = np.array([[1, 4, 5], [1, 5, 6], [0, 0, 0], [0, 5, 0]])
    others = np.array([[[1, 0, 0], [0, 0, 0]], [[0, 0, 0], [0, 5, 0]], [[2, 0, 0], [0, 4, 5]], [[3, 0, 0], [0, 4, 5]]])
    assert float(matching_loss(np.zeros((4, 3), np.float32), with_others(own, others, SLICES), SLICES)) == 0


def test_beside_photos_only_what_pictures_cost_more_counts():
    asked = with_others(np.array([[1, 4, 5], [2, 5, 0], [3, 7, 8]]), OTHERS, SLICES)
    photos, pictures = np.random.default_rng(1).normal(size=(2, 3, 3)).astype(np.float32)
    costs, least = (np.log1p(np.exp(logits[:, 1:] - logits[:, :1])) for logits in (pictures, photos))
    more = np.maximum(costs - least, 0)
    assert 0 < np.count_nonzero(more) < more.size
    np.testing.assert_allclose(matching_loss(pictures, asked, SLICES, photos), more.mean(), rtol=1e-5)
    assert float(matching_loss(photos, asked, SLICES, photos)) == 0
