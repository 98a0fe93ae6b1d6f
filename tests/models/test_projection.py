import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.errors import ConditionError
from tfproductgan.models.editing import Along, Editor
from tfproductgan.models.projection import project


def test_the_style_of_a_photo_is_found(styled_model):
    conditions = {"shade": "Light", "side": "Left"}
    [photo] = styled_model.generate(conditions, seed=9_000)
    found = project(styled_model, photo, conditions, seed=9_000, steps=40)
    assert found.error == pytest.approx(difference(found.picture, photo))
    assert found.error < 0.75 * found.start_error
    # it can be told again, and edited
    editor = Editor(styled_model)
    again, moved = editor.draw([found.drawing, found.drawing.after(Along(1, 2.0))])
    np.testing.assert_array_equal(again, found.picture)
    assert difference(moved, again) > 0


def test_latents_of_a_photo_are_found_by_pixels_and_maps(small_gan, shake):
    gan = small_gan()
    shake(gan)
    model, asked = gan.trained(), []

    def maps(pictures):
        asked.append(pictures.shape)
        return [tf.concat([pictures, 255.0 - pictures], -1)]

    [request] = model.plan({"shade": "Dark", "side": "Top"}, seed=9_000)
    [photo] = model.draw([request])
    found = project(model, photo, request.conditions, steps=40, maps=maps)
    assert asked and found.error < 0.5 * found.start_error
    assert np.linalg.norm(found.drawing.found) <= np.sqrt(6) + 1e-4
    assert found.drawing.request.conditions == request.conditions


@pytest.mark.parametrize("photo", [np.zeros((32, 32, 1), np.uint8), np.zeros((28, 28, 1), np.float32)])
def test_a_photo_that_does_not_fit_is_refused(styled_model, photo):
    message = rf"is uint8 \[28, 28, 1\]. Received: {photo.dtype} \[{photo.shape[0]}"
    with pytest.raises(ConditionError, match=message):
        project(styled_model, photo)


def difference(one, other):
    return np.sqrt(np.mean(np.square(one.astype(float) - other)))
