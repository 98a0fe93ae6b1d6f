import json

import numpy as np
import pytest

import tfproductgan as tpg
from tfproductgan.errors import JudgementError
from tfproductgan.metrics import rating
from tfproductgan.metrics.distances import wilson_interval


@pytest.fixture
def catalogue(painter):
    requests = painter.plan(count=60, seed=500)
    labels = {name: [request.conditions[name] for request in requests] for name in painter.schema.names}
    return tpg.Catalogue.from_arrays(
        painter.draw(requests), labels, ["train"] * 30 + ["validation"] * 30, cache=False, schema=painter.schema
    )


@pytest.fixture
def key():
    pictures = {
        str(i): {"generated": i % 2 == 0, "conditions": {"kind": ("<Mug>", "Ring")[i // 2 % 2]}} for i in range(1, 9)
    }
    return rating.RatingKey("abc", "model-1", "photos-1", "validation", 0, pictures)


def answers(tmp_path, said, name="a.json", rater="r1", **fields):
    path = tmp_path / name
    data = {"kind": rating.ANSWERS_KIND, "page": "abc", "rater": rater, "answers": said, **fields}
    path.write_text(json.dumps(data))
    return path


def test_a_page_has_as_many_photos_as_samples_with_the_same_labels(painter, catalogue):
    _, key = rating.make_rating_page(painter, catalogue, "validation", 20, seed=3)
    facts = list(key.pictures.values())
    assert list(key.pictures) == [str(i) for i in range(1, 21)]
    photos, samples = ([f["conditions"] for f in facts if f["generated"] is kind] for kind in (False, True))
    order = json.dumps
    assert len(photos) == 10 and sorted(map(order, photos)) == sorted(map(order, samples))
    generated = [fact["generated"] for fact in facts]
    assert generated != sorted(generated) and generated != sorted(generated, reverse=True)


def test_a_page_is_the_same_again_and_another_with_another_seed(painter, catalogue):
    first, again, other = (rating.make_rating_page(painter, catalogue, "validation", 10, seed) for seed in (1, 1, 2))
    assert first == again
    assert first[1].page != other[1].page


def test_a_page_may_show_truncated_samples(painter, catalogue):
    full, truncated = (rating.make_rating_page(painter, catalogue, count=10, truncation=value) for value in (1.0, 0.3))
    assert truncated[1].truncation == 0.3 and full[1].pictures == truncated[1].pictures
    assert full[0] != truncated[0]


def test_a_page_does_not_know_which_pictures_are_generated(painter, catalogue):
    html, _ = rating.make_rating_page(painter, catalogue, "validation", 8)
    shown = json.loads(html.split("const shown = ")[1].split(";\n")[0])
    assert set(shown) == {"page", "kind", "pictures"} and len(shown["pictures"]) == 8
    assert all(picture.startswith("data:image/png;base64,") for picture in shown["pictures"])
    assert painter.model_id not in html and "http:" not in html and "https:" not in html


def test_few_photos_make_a_short_page_and_none_is_refused(painter, catalogue):
    _, key = rating.make_rating_page(painter, catalogue, "validation", 1000)
    assert len(key.pictures) == 60
    with pytest.raises(JudgementError, match="at least 2 pictures"):
        rating.make_rating_page(painter, catalogue, "validation", 1)


def test_a_key_comes_back_from_its_file(tmp_path, key):
    assert rating.RatingKey.read(key.write(tmp_path / "ratings" / "key.json")) == key


def test_answers_are_counted(tmp_path, key):
    # even pictures are generated; of those 2 and 4 are taken for photos
    said = {"1": "photo", "2": "photo", "3": "generated", "4": "photo", "5": "photo", "6": "generated"}
    result = rating.read_ratings([answers(tmp_path, said)], key)
    assert (result.taken_for_photos.count, result.taken_for_photos.of) == (2, 3)
    assert (result.photos_believed.count, result.photos_believed.of) == (2, 3)
    assert (result.told_apart.count, result.told_apart.of) == (3, 6)
    assert (result.raters, result.missing) == (1, 2)
    assert result.taken_for_photos.interval == wilson_interval(2, 3)
    assert {(name, value, rate.count, rate.of) for name, value, rate in result.by_value} == {
        ("kind", "<Mug>", 1, 1),
        ("kind", "Ring", 1, 2),
    }
    assert "do not show" in result.verdict
    assert json.loads(json.dumps(result.to_dict()))["taken_for_photos"]["share"] == pytest.approx(2 / 3)


def test_raters_add_up_and_one_who_saved_twice_counts_once(tmp_path, key):
    files = [
        answers(tmp_path, {"1": "photo"}, "a.json"),
        answers(tmp_path, {"1": "photo", "2": "generated"}, "b.json"),
        answers(tmp_path, {"1": "generated"}, "c.json", rater="r2"),
    ]
    result = rating.read_ratings(files, key)
    assert (result.raters, result.told_apart.count, result.told_apart.of) == (2, 2, 3)


def test_a_verdict_needs_evidence(tmp_path, key):
    right = {str(i): ("generated" if i % 2 == 0 else "photo") for i in range(1, 9)}
    assert "People tell" in rating.read_ratings([answers(tmp_path, right)], key).verdict


@pytest.mark.parametrize(
    "content, said",
    [
        (b"\xff\xfe nothing", "is not JSON"),
        (b"[1]", "is not the answers"),
        (b'{"kind": "other"}', "is not the answers"),
        ({"page": "xyz"}, "answers to page xyz"),
        ({"answers": {"99": "photo"}}, "an answer for picture 99"),
        ({"answers": {"1": "maybe"}}, "says of picture 1 'maybe'"),
        ({"answers": [1]}, "has no answers"),
        ({"answers": {}}, "There are no answers"),
    ],
)
def test_what_is_no_answer_is_refused(tmp_path, key, content, said):
    path = tmp_path / "given.json"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path = answers(tmp_path, {"1": "photo"})
        path.write_text(json.dumps({**json.loads(path.read_text()), **content}))
    with pytest.raises(JudgementError, match=said):
        rating.read_ratings([path], key)


def test_a_file_that_is_not_there_is_named(tmp_path, key):
    with pytest.raises(JudgementError, match=r"nothing\.json"):
        rating.read_ratings([tmp_path / "nothing.json"], key)


def test_pictures_of_a_page_are_not_changed(painter, catalogue):
    import base64
    import io

    from PIL import Image

    html, key = rating.make_rating_page(painter, catalogue, "validation", 8)
    shown = json.loads(html.split("const shown = ")[1].split(";\n")[0])
    number = next(i for i, fact in key.pictures.items() if not fact["generated"])
    data = base64.b64decode(shown["pictures"][int(number) - 1].partition(",")[2])
    picture = np.asarray(Image.open(io.BytesIO(data)))
    assert any(np.array_equal(picture, photo) for photo in catalogue.images("validation"))
