import numpy as np
import pytest

from tfproductgan.errors import ConditionError, RecipeError
from tfproductgan.models.conditional_gan import ConditionalGAN
from tfproductgan.models.styles import directions, mix, move, project


@pytest.fixture(scope="module")
def model(small_schema, shake):
    options = {"width": 8, "max_width": 8, "mapping_layers": 1}
    gan = ConditionalGAN.from_recipe(
        "dcgan",
        small_schema(image_size=28),
        family="stylegan2",
        generator={**options, "z_dim": 8, "w_dim": 8, "embedding_dim": 4},
        discriminator=options,
        precision="float32",
    )
    shake(gan)
    return gan.trained()


def difference(one, other):
    return np.sqrt(np.mean(np.square(one.astype(float) - other)))


def test_styles_draw_what_requests_draw(model):
    requests = model.plan({"shade": "Dark"}, count=3, seed=4, truncation=0.7)
    np.testing.assert_array_equal(model.draw_styles(*model.styles_of(requests)), model.draw(requests))


def test_a_mixture_goes_from_one_picture_to_the_other(model):
    first, second = model.plan({"shade": "Dark"}, count=2, seed=4)
    drawn = model.draw([first, second])
    count = model.sampling_network.num_styles
    mixed = [mix(model, first, second, layer) for layer in (0, count // 2, count)]
    np.testing.assert_array_equal(mixed[2], drawn[0])
    assert difference(mixed[0], drawn[1]) < difference(mixed[1], drawn[1]) > 0 < difference(mixed[1], drawn[0])
    with pytest.raises(ConditionError, match=rf"layer must be a whole number from 0 to {count}. Received: -1"):
        mix(model, first, second, -1)


def test_directions_are_those_that_move_most(model):
    found = directions(model, 8)
    np.testing.assert_allclose(found @ found.T, np.eye(8), atol=1e-5)
    [request] = model.plan({"shade": "Dark"}, count=1)
    [drawn] = model.draw([request])
    still, moved = move(model, request, found[0], [0.0, 3.0])
    np.testing.assert_array_equal(still, drawn)
    assert difference(moved, drawn) > 1
    kernels = [np.asarray(kernel) for kernel in model.sampling_network.style_kernels]
    strengths = [sum(np.square(d @ (k / np.linalg.norm(k, axis=0))).sum() for k in kernels) for d in found]
    assert strengths == sorted(strengths, reverse=True)
    with pytest.raises(ConditionError, match=r"count must be a whole number from 1 to 8. Received: 9"):
        directions(model, 9)


def test_the_style_of_a_photo_is_found(model):
    conditions = {"shade": "Light", "side": "Left"}
    [photo], [typical] = (model.generate(conditions, seed=3, truncation=truncation) for truncation in (1.0, 0.0))
    found = project(model, photo, conditions, steps=60)
    np.testing.assert_array_equal(model.draw_styles(found.styles, found.noise)[0], found.picture)
    assert found.error == pytest.approx(difference(found.picture, photo))
    assert found.error < 0.75 * difference(typical, photo)


@pytest.mark.parametrize("photo", [np.zeros((32, 32, 1), np.uint8), np.zeros((28, 28, 1), np.float32)])
def test_a_photo_that_does_not_fit_is_refused(model, photo):
    message = rf"is uint8 \[28, 28, 1\]. Received: {photo.dtype} \[{photo.shape[0]}"
    with pytest.raises(ConditionError, match=message):
        project(model, photo)


def test_a_generator_without_styles_is_refused(generator):
    with pytest.raises(RecipeError, match=r"whose layers each have one.* Received: a DCGANGenerator"):
        directions(generator, 1)
