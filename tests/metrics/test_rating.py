import dataclasses
import json

import pytest

from tfproductgan.errors import JudgementError
from tfproductgan.metrics import rating
from tfproductgan.metrics.distances import wilson_interval


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


def test_each_of_several_values_has_a_rate(tmp_path, key):
    pictures = {
        str(i): {"generated": True, "conditions": {"tag": tags}} for i, tags in ((1, ["new", "wool"]), (2, ["new"]))
    }
    key = dataclasses.replace(key, pictures=pictures)
    result = rating.read_ratings([answers(tmp_path, {"1": "photo", "2": "generated"})], key)
    found = [(value, rate.count, rate.of) for _, value, rate in result.by_value]
    assert found == [("new", 1, 2), ("wool", 1, 1)]


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
