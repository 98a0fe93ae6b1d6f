import json

import numpy as np
import pytest

from tfproductgan.conditions import PictureRequest
from tfproductgan.errors import RunError
from tfproductgan.models.editing import Along, Drawing, Mixed, Towards
from tfproductgan.sampling.edits import describe_drawing, drawing_stem, edit_words, read_drawing

REQUEST = PictureRequest({"category": "Ring", "colour": "Gold"}, 7)
OTHER = PictureRequest({"category": "Mug"}, 3, 0.5)
EDITS = (Along(2, -1.5), Along(1, 2.0, (0, 3)), Towards("colour", "Navy Blue", 0.5, (4, 4)), Mixed(OTHER, 4))


@pytest.mark.parametrize("found", [None, np.linspace(-1, 1, 7, dtype=np.float32)])
def test_a_drawing_comes_back_from_json(found):
    drawing = Drawing(REQUEST, EDITS, found)
    facts = json.loads(json.dumps({"kind": "edit", **describe_drawing(drawing)}))
    again = read_drawing(facts)
    assert (again.request, again.edits) == (REQUEST, EDITS)
    np.testing.assert_array_equal(again.found, found)


def test_a_picture_that_generate_wrote_is_a_drawing_without_edits():
    facts = {"kind": "picture", "conditions": {"category": "Mug"}, "seed": 3, "truncation": 0.5}
    assert read_drawing(facts) == Drawing(OTHER)


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"kind": "grid"}, "Single pictures can be edited. Received: a file of the kind 'grid'"),
        ({"kind": "edit", "conditions": {}}, "does not say what the picture was drawn from: KeyError"),
    ],
)
def test_what_is_no_drawing_is_refused(facts, message):
    with pytest.raises(RunError, match=message):
        read_drawing(facts)


def test_edits_in_words():
    assert list(map(edit_words, EDITS)) == [
        "direction 2 by -1.5",
        "direction 1 by 2 in layers 0 to 3",
        "towards Navy Blue by 0.5 in layers 4 to 4",
        "from layer 4 on Mug, seed 3",
    ]


def test_names_of_files_tell_drawings_apart():
    stems = [drawing_stem(Drawing(REQUEST, edits)) for edits in ((), (Along(2, 1.5),), (Along(2, -1.5),))]
    assert stems == [
        "ring-gold-seed7",
        "ring-gold-direction-2-by-1-5-seed7",
        "ring-gold-direction-2-by-minus-1-5-seed7",
    ]
    assert drawing_stem(Drawing(REQUEST), ["direction 1"], "photos/My ring.JPG") == (
        "my-ring-found-ring-gold-direction-1-seed7"
    )
