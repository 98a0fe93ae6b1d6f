import dataclasses

import numpy as np
import pytest

from tfproductgan.errors import ConditionError, RecipeError
from tfproductgan.models.editing import Along, Drawing, Editor, Mixed, Towards
from tfproductgan.models.ensemble import ensemble_of
from tfproductgan.models.projection import project


@pytest.fixture(scope="module")
def styled(styled_model):
    """Of a generator whose layers have styles."""
    return Editor(styled_model)


@pytest.fixture(scope="module")
def plain(small_gan, shake):
    """Of a generator that draws from latents and a condition vector."""
    gan = small_gan("dcgan")
    shake(gan)
    return Editor(gan.trained())


@pytest.fixture(params=["styled", "plain"])
def editor(request):
    return request.getfixturevalue(request.param)


def start(editor, seed=4, **conditions):
    [request] = editor.model.plan(conditions or {"shade": "Dark", "side": "Left"}, seed=seed)
    return Drawing(request)


def difference(one, other):
    return np.sqrt(np.mean(np.square(one.astype(float) - other)))


def test_what_nothing_is_done_to_is_what_was_asked_for(editor):
    drawing = start(editor)
    drawn = editor.draw([drawing, drawing.after(Along(1, 0.0)), drawing.after(Towards("side", "Top", 0.0))])
    for picture in drawn:
        np.testing.assert_array_equal(picture, editor.model.draw([drawing.request])[0])


# === Directions from the weights ===


def test_directions_are_those_that_move_most(editor):
    size = editor.model.styles_of([start(editor).request])[0].shape[-1]
    found = editor.directions(size)
    np.testing.assert_allclose(found @ found.T, np.eye(size), atol=1e-5)
    kernels = np.concatenate([np.asarray(kernel).T for kernel in editor.model.sampling_network.style_kernels])
    rows = kernels / np.maximum(np.linalg.norm(kernels, axis=1, keepdims=True), 1e-12)
    strengths = np.square(rows @ found.T).sum(axis=0)
    assert list(strengths) == sorted(strengths, reverse=True)
    with pytest.raises(ConditionError, match=f"count must be a whole number from 1 to {size}. Received: {size + 1}"):
        editor.directions(size + 1)


def test_a_step_is_one_standard_deviation_of_what_is_drawn_from(plain):
    """Latents of a seed have a spread of 1."""
    drawing = start(plain)
    before, after = (plain.styles_of(each)[0] for each in (drawing, drawing.after(Along(2, 3.0))))
    np.testing.assert_allclose((after - before) @ plain.directions(2)[1], 3.0, rtol=0.15)
    np.testing.assert_allclose((after - before) @ plain.directions(1)[0], 0.0, atol=1e-5)


def test_steps_add_up_and_go_back(editor):
    drawing = start(editor)
    there = drawing.after(Along(1, 2.0))
    twice, back = there.after(Along(1, 1.0)), there.after(Along(1, -2.0))
    drawn = editor.draw([drawing, there, twice, back, drawing.after(Along(1, 3.0))])
    assert difference(drawn[1], drawn[0]) > 1
    np.testing.assert_allclose(drawn[3].astype(int), drawn[0], atol=1)
    np.testing.assert_allclose(drawn[4].astype(int), drawn[2], atol=1)


def test_layers_can_be_chosen(styled):
    drawing, count = start(styled), styled.num_styles()
    moved = styled.styles_of(drawing.after(Along(1, 2.0, layers=(2, 3))))[0] - styled.styles_of(drawing)[0]
    assert {int(row) for row in np.nonzero(np.abs(moved[0]).sum(axis=1))[0]} == {2, 3}
    last = drawing.after(Along(1, 2.0, layers=(count - 1, count - 1)))
    assert difference(*styled.draw([drawing, last])) > 0
    towards = styled.styles_of(drawing.after(Towards("side", "Top", 1.0, layers=(0, 1))))[0]
    np.testing.assert_array_equal(towards[0, 2:], styled.styles_of(drawing)[0][0, 2:])
    assert np.any(towards[0, :2] != styled.styles_of(drawing)[0][0, :2])


# === Directions towards a value ===


def test_the_whole_way_to_a_value_is_the_picture_asked_for_by_name(plain):
    drawing = start(plain)
    asked = dataclasses.replace(drawing.request, conditions={"shade": "Dark", "side": "Top"})
    moved, half = plain.draw([drawing.after(Towards("side", "top", s)) for s in (1.0, 0.5)])
    np.testing.assert_allclose(moved.astype(int), plain.model.draw([asked])[0], atol=1)
    assert difference(half, moved) > 0


def test_pictures_of_an_ensemble_go_towards_a_value_and_have_no_directions_of_their_own(small_gan, shake):
    gans = [small_gan(), small_gan()]
    for gan in gans:
        shake(gan)
    editor = Editor(ensemble_of(gans))
    drawings = [start(editor, seed) for seed in range(6)]
    moved = editor.draw([drawing.after(Towards("side", "Top", 1.0)) for drawing in drawings])
    asked = editor.model.plan({"shade": "Dark", "side": "Top"}, count=6)
    np.testing.assert_allclose(moved.astype(int), editor.model.draw(asked), atol=1)
    with pytest.raises(RecipeError, match=r"which layers their latents go into.* Received: a Ensemble"):
        editor.directions(1)
    with pytest.raises(RecipeError, match=r"which layers their latents go into.* Received: a Ensemble"):
        project(editor.model, moved[0])


def test_the_way_is_between_the_means_with_the_others_held(styled):
    drawing = start(styled)
    before, after = (styled.styles_of(each)[0][0, 0] for each in (drawing, drawing.after(Towards("side", "Top", 1.0))))
    means = [
        styled.model.styles_of(styled.model.plan({"shade": "Dark", "side": side}, count=32))[0][:, 0].mean(axis=0)
        for side in ("Left", "Top")
    ]
    np.testing.assert_allclose(after - before, means[1] - means[0], atol=1e-5)


def test_what_has_the_value_gets_more_of_it(plain):
    """The schema has 6 of Left and Dark, 3 of Right and Dark, 1 of Top and Light."""
    drawing = start(plain)
    before, after = (plain.styles_of(each)[1] for each in (drawing, drawing.after(Towards("side", "Left", 1.0))))
    left, right, top = (
        plain.styles_of(start(plain, shade="Dark", side=side))[1].astype(float) for side in ("Left", "Right", "Top")
    )
    np.testing.assert_allclose(after - before, left - (0.75 * right + 0.25 * top), atol=1e-5)


# === Mixing ===


def test_a_mixture_goes_from_one_picture_to_the_other(styled):
    first, second = (start(styled, seed) for seed in (4, 5))
    drawn = styled.model.draw([first.request, second.request])
    count = styled.num_styles()
    mixed = styled.draw([first.after(Mixed(second.request, layer)) for layer in (0, count // 2, count)])
    np.testing.assert_array_equal(mixed[2], drawn[0])
    assert difference(mixed[0], drawn[1]) < difference(mixed[1], drawn[1]) > 0 < difference(mixed[1], drawn[0])


# === What cannot be ===


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (Along(0, 1.0), "direction must be a whole number from 1 to 8. Received: 0"),
        (Along(9, 1.0), "direction must be a whole number from 1 to 8. Received: 9"),
        (Along(1, float("nan")), "strength must be a finite number. Received: nan"),
        (Along(1, 1.0, (3, 2)), "from the first to the last, such as 4-7. Received: 3-2"),
        (Along(1, 1.0, (0, 99)), r"layer must be a whole number from 0 to \d+. Received: 99"),
        (Towards("sid", "Top", 1.0), "Unknown attribute 'sid': did you mean 'side'"),
        (Towards("side", "Topp", 1.0), "Unknown side 'Topp': did you mean 'Top'"),
        (Towards("side", "", 1.0), "leads towards a value of 'side'. Received: ''"),
        (Mixed(None, -1), r"layer must be a whole number from 0 to \d+. Received: -1"),
    ],
)
def test_an_edit_that_cannot_be_is_refused(styled, edit, message):
    with pytest.raises(ConditionError, match=message):
        styled.draw([start(styled).after(edit)])


def test_a_style_of_another_model_is_refused(styled):
    with pytest.raises(ConditionError, match=r"has 8 numbers with this model. Received: 5"):
        styled.draw([dataclasses.replace(start(styled), found=np.zeros(5, np.float32))])


@pytest.mark.parametrize("edit", [Mixed(None, 1), Along(1, 1.0, layers=(0, 1))])
def test_layers_without_styles_are_refused(plain, edit):
    with pytest.raises(RecipeError, match=r"whose layers each have one.* Received: a DCGANGenerator"):
        plain.draw([start(plain).after(edit)])
