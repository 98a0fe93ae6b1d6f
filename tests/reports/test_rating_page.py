import json

import numpy as np
import pytest

import tfproductgan as tpg
from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.errors import JudgementError
from tfproductgan.reports.rating_page import _words, make_rating_page


@pytest.fixture
def catalogue(painter):
    requests = painter.plan(count=60, seed=500)
    labels = {name: [request.conditions[name] for request in requests] for name in painter.schema.names}
    return tpg.Catalogue.from_arrays(
        painter.draw(requests), labels, ["train"] * 30 + ["validation"] * 30, cache=False, schema=painter.schema
    )


def test_a_page_has_as_many_photos_as_samples_with_the_same_labels(painter, catalogue):
    _, key = make_rating_page(painter, catalogue, "validation", 20, seed=3)
    facts = list(key.pictures.values())
    assert list(key.pictures) == [str(i) for i in range(1, 21)]
    photos, samples = ([f["conditions"] for f in facts if f["generated"] is kind] for kind in (False, True))
    order = json.dumps
    assert len(photos) == 10 and sorted(map(order, photos)) == sorted(map(order, samples))
    generated = [fact["generated"] for fact in facts]
    assert generated != sorted(generated) and generated != sorted(generated, reverse=True)


def test_a_page_knows_several_values_one_by_one():
    schema = ConditionSchema([Attribute("tag", ("x", "y", "z"), several=2), Attribute("kind", ("a", "b"))])
    assert _words(schema, np.array([1, 3, 2])) == {"tag": ["x", "z"], "kind": "b"}
    assert _words(schema, np.array([0, 0, 2])) == {"kind": "b"}


def test_a_page_is_the_same_again_and_another_with_another_seed(painter, catalogue):
    first, again, other = (make_rating_page(painter, catalogue, "validation", 10, seed) for seed in (1, 1, 2))
    assert first == again
    assert first[1].page != other[1].page


def test_a_page_may_show_truncated_samples(painter, catalogue):
    full, truncated = (make_rating_page(painter, catalogue, count=10, truncation=value) for value in (1.0, 0.3))
    assert truncated[1].truncation == 0.3 and full[1].pictures == truncated[1].pictures
    assert full[0] != truncated[0]


def test_a_page_does_not_know_which_pictures_are_generated(painter, catalogue):
    html, _ = make_rating_page(painter, catalogue, "validation", 8)
    shown = json.loads(html.split("const shown = ")[1].split(";\n")[0])
    assert set(shown) == {"page", "kind", "pictures"} and len(shown["pictures"]) == 8
    assert all(picture.startswith("data:image/png;base64,") for picture in shown["pictures"])
    assert painter.model_id not in html and "http:" not in html and "https:" not in html


def test_few_photos_make_a_short_page_and_none_is_refused(painter, catalogue):
    _, key = make_rating_page(painter, catalogue, "validation", 1000)
    assert len(key.pictures) == 60
    with pytest.raises(JudgementError, match="at least 2 pictures"):
        make_rating_page(painter, catalogue, "validation", 1)


def test_pictures_of_a_page_are_not_changed(painter, catalogue):
    import base64
    import io

    from PIL import Image

    html, key = make_rating_page(painter, catalogue, "validation", 8)
    shown = json.loads(html.split("const shown = ")[1].split(";\n")[0])
    number = next(i for i, fact in key.pictures.items() if not fact["generated"])
    data = base64.b64decode(shown["pictures"][int(number) - 1].partition(",")[2])
    picture = np.asarray(Image.open(io.BytesIO(data)))
    assert any(np.array_equal(picture, photo) for photo in catalogue.images("validation"))
