import keras
import numpy as np
import pytest

from tfproductgan.conditions import Attribute
from tfproductgan.errors import RunError
from tfproductgan.models.ensemble import ensemble_of

SEEDS = 40


@pytest.fixture(scope="module")
def models(small_gan):
    """Three that draw differently: they have never learnt."""
    return [small_gan(seed=seed).trained() for seed in range(3)]


@pytest.fixture(scope="module")
def ensemble(models):
    return ensemble_of(models, [1, 2, 1])


def picture_of(model, request):
    return model.draw([request])[0]


def test_each_picture_is_one_members_own(ensemble, models):
    requests = ensemble.plan({"shade": "Light"}, count=SEEDS, truncation=0.7)
    drawn = ensemble.draw(requests)
    theirs = np.stack([model.draw(requests) for model in models])
    who = [
        np.flatnonzero([np.array_equal(picture, each) for each in theirs[:, row]]) for row, picture in enumerate(drawn)
    ]
    assert all(len(found) == 1 for found in who)  # and no mean of several
    counts = np.bincount(np.concatenate(who), minlength=3)
    assert counts.sum() == SEEDS and counts.argmax() == 1 and counts.min() > 0


def test_a_picture_does_not_depend_on_those_beside_it(ensemble):
    requests = ensemble.plan(count=6, seed=3)
    np.testing.assert_array_equal(ensemble.draw(requests)[4], picture_of(ensemble, requests[4]))


def test_shares_are_those_of_a_normal_latent(models):
    network = ensemble_of(models, [0.25, 0.5, 0.25]).sampling_network
    np.testing.assert_allclose(network.bounds, [-0.67449, 0.67449], atol=1e-5)


def test_survives_a_file(ensemble, tmp_path):
    ensemble.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    requests = ensemble.plan(count=8)
    np.testing.assert_array_equal(loaded.draw(requests), ensemble.draw(requests))
    assert loaded.model_id == ensemble.model_id
    assert [member["share"] for member in loaded.provenance["members"]] == [0.25, 0.5, 0.25]


def test_between_two_requests_both_ends_are_theirs(ensemble):
    requests = ensemble.plan(count=SEEDS)
    for second in requests[1:5]:
        frames = ensemble.interpolate(requests[0], second, 3)
        np.testing.assert_array_equal(frames[0], picture_of(ensemble, requests[0]))
        np.testing.assert_array_equal(frames[-1], picture_of(ensemble, second))


def test_members_may_be_of_other_families_and_formats(small_gan, small_schema):
    schema = small_schema(image_size=28)
    models = [small_gan(family, schema).trained() for family in ("dcgan", "mlp")]
    ensemble = ensemble_of([*models, small_gan("mlp", schema, generator={"latent_dim": 9}).trained()])
    assert ensemble.latent_dim == 10
    assert ensemble.generate({"side": "Top"}, count=5).shape == (5, 28, 28, 1)
    assert ensemble_of([ensemble, models[0]]).generate(count=2).shape == (2, 28, 28, 1)


def test_without_conditions(small_gan, small_schema):
    models = [small_gan(schema=small_schema(()), seed=seed).trained() for seed in range(2)]
    assert ensemble_of(models).generate(count=3).shape == (3, 6, 6, 1)


def test_who_has_no_share_is_left_out(models):
    assert len(ensemble_of(models, [1, 0, 1]).sampling_network.members) == 2


@pytest.mark.parametrize("shares", [[1, 2], [1, -1, 2], [0, 0, 0], [1, float("nan"), 1]])
def test_shares_that_are_none(models, shares):
    with pytest.raises(RunError, match="needs as many shares"):
        ensemble_of(models, shares)


def test_one_model_is_no_ensemble(models):
    with pytest.raises(RunError, match="at least two models"):
        ensemble_of(models[:1])
    with pytest.raises(RunError, match="at least two models"):
        ensemble_of(models, [0, 1, 0])


def test_models_that_know_other_things(models, small_gan, small_schema):
    other = small_schema((Attribute("shade", ("Dark", "Dim")), Attribute("side", ("Left", "Right", "Top"))))
    with pytest.raises(RunError, match="differ in shade"):
        ensemble_of([models[0], small_gan(schema=other).trained()])
    with pytest.raises(RunError, match="6 x 6 pixels in 1 channels and 8 x 8 pixels in 1"):
        ensemble_of([models[0], small_gan(schema=small_schema(image_size=8)).trained()])
