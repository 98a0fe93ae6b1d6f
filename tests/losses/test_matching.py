import numpy as np

from tfproductgan.losses.matching import matching_loss, with_others

SLICES = (slice(0, 1), slice(1, 3))  # the second takes two values


def test_others_have_one_attribute_of_another_row():
    ids = np.array([[1, 4, 5], [2, 6, 0], [3, 7, 8]])
    asked = np.array(with_others(ids, SLICES))
    np.testing.assert_array_equal(asked[:, 0], ids)
    np.testing.assert_array_equal(asked[:, 1], [[3, 4, 5], [1, 6, 0], [2, 7, 8]])
    np.testing.assert_array_equal(asked[:, 2], [[1, 6, 0], [2, 7, 8], [3, 4, 5]])


def test_a_lead_over_others_is_what_counts():
    ids = np.array([[1, 4, 5], [2, 6, 0], [3, 7, 8]])
    logits = np.random.default_rng(0).normal(size=(3, 3)).astype(np.float32)
    leads = logits[:, :1] - logits[:, 1:]
    found = matching_loss(logits, with_others(ids, SLICES), SLICES)
    np.testing.assert_allclose(found, np.log1p(np.exp(-leads)).mean(), rtol=1e-6)


def test_what_is_not_given_or_shared_does_not_count():
    # of the first attribute the same or nothing; of the second nothing, or a value that the other has as well
    ids = np.array([[1, 4, 5], [1, 5, 6], [0, 0, 0], [0, 5, 0]])
    assert float(matching_loss(np.zeros((4, 3), np.float32), with_others(ids, SLICES), SLICES)) == 0
