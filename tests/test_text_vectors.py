import numpy as np
import pytest

from tfproductgan.conditions import Attribute, ConditionSchema, plan_requests, with_text
from tfproductgan.errors import ConditionError
from tfproductgan.text_vectors import MIDDLE, STEPS, TextVectors, named, spell_vectors
from tfproductgan.vocabulary import Vocabulary

RNG = np.random.default_rng(0)
COMMON = RNG.normal(size=6)
MANY = RNG.normal(size=(50, 6)) + 3 * COMMON
VECTORS = TextVectors.learn(["", *spell_vectors(MANY)])
SCHEMA = ConditionSchema([Attribute("shade", ("Dark", "Light"))], 6, 1, text="clip", vocabulary=VECTORS)


def direction(vector):
    return vector / np.linalg.norm(vector)


def test_a_vector_is_read_by_its_direction_apart_from_what_all_have_in_common():
    mean = np.mean([direction(vector) for vector in MANY], axis=0)
    np.testing.assert_allclose(VECTORS.mean, mean, atol=1e-4)
    for vector in MANY[:5]:
        [text], [longer] = spell_vectors(vector), spell_vectors(7 * vector)
        read = (np.array(VECTORS.encode(text)) - MIDDLE) / STEPS
        np.testing.assert_allclose(read, direction(direction(vector) - mean), atol=1e-3)
        assert VECTORS.encode(longer) == VECTORS.encode(text)
    assert VECTORS.encode("") == VECTORS.encode(None) == (0,) * 6


def test_what_was_read_can_be_told_and_is_read_the_same():
    [text] = spell_vectors(MANY[0])
    ids = VECTORS.encode(text)
    assert min(ids) > 0 and VECTORS.encode(VECTORS.decode(ids)) == ids
    for spelt in (text, VECTORS.decode(ids)):
        [again] = spell_vectors(VECTORS.numbers(spelt))
        np.testing.assert_allclose(VECTORS.encode(again), ids, atol=6)
    assert VECTORS.encode(spell_vectors(VECTORS.numbers(text))[0]) == ids
    np.testing.assert_array_equal(VECTORS.numbers(""), np.zeros(6))


def test_a_schema_keeps_how_vectors_are_read():
    again = ConditionSchema.from_json(SCHEMA.to_json())
    assert again == SCHEMA and again.to_dict()["version"] == 5 and hash(again) == hash(SCHEMA)
    assert not SCHEMA.reads_words and SCHEMA.can_be_asked == ("shade", "text_vector") and SCHEMA.num_columns == 7
    assert repr(SCHEMA).count("text vectors of 6") == 1
    [text] = spell_vectors(MANY[0])
    ids = SCHEMA.encode({"shade": "dark", "text_vector": text})
    assert ids == (1, *VECTORS.encode(text)) and SCHEMA.encode(SCHEMA.decode(ids)) == ids


def test_vectors_go_with_conditions_as_texts_do():
    planned = plan_requests(SCHEMA, with_text({"shade": "dark"}, None, MANY[:3]), None, 5, 1.0, True, 10)
    assert [request.seed for request in planned] == [5, 6, 7]
    assert [request.conditions["text_vector"] for request in planned] == spell_vectors(MANY[:3])
    [alone] = plan_requests(SCHEMA, with_text(None, None, MANY[0]), None, 0, 1.0, True, 10)
    assert set(alone.conditions) == {"text_vector"}  # beside it nothing is filled in
    assert named(alone.conditions["text_vector"]).startswith("vector ") and named("Gold") == "Gold"


@pytest.mark.parametrize(
    ("vectors", "said"),
    [
        ([[1.0, float("nan")]], "text_vectors, vector 0 has nan in the place of a number, at part 1."),
        ([[1.0, 2.0], [float("inf"), 0.0]], "text_vectors, vector 1 has inf"),
        ([[1.0, 2.0], [0.0, 0.0]], "vector 1 is nothing but zeros"),
        ([[1.0, 2.0], [1.0]], "must be numbers, [parts] or [vectors, parts], all of one length. Received: "),
        ([["a", "b"]], "must be numbers"),
        ([], "must be numbers"),
        (np.ones((2, 2, 2)), "must be numbers"),
    ],
)
def test_what_is_no_vector_is_refused(vectors, said):
    with pytest.raises(ConditionError) as error:
        spell_vectors(vectors)
    assert said in str(error.value)


def test_vectors_of_another_length_and_words_are_refused():
    with pytest.raises(ConditionError, match=r"A vector has 6 parts, as those learnt from. Received: 4"):
        SCHEMA.encode({"text_vector": spell_vectors(np.ones(4))[0]})
    with pytest.raises(ConditionError, match="from vectors, not from words: give text_vectors of 6 numbers"):
        SCHEMA.encode({"text_vector": "red bag"})
    with pytest.raises(ConditionError, match="The model takes no text: give text_vectors"):
        SCHEMA.encode({"text": "red bag"})
    words = ConditionSchema([], 6, 1, vocabulary=Vocabulary.learn(["red bag"]))
    with pytest.raises(ConditionError, match=r"The model takes no vectors of texts: give text."):
        words.encode({"text_vector": spell_vectors(MANY[0])[0]})
    with pytest.raises(ConditionError, match="learnt from no titles, so it takes no vectors"):
        ConditionSchema([], 6, 1).encode({"text_vector": "x"})
    with pytest.raises(ConditionError, match="is no vector"):
        SCHEMA.encode({"text_vector": "vector:***"})
    with pytest.raises(ConditionError, match="Received: both"):
        with_text(None, "red", MANY)
    with pytest.raises(ConditionError, match=r"2 conditions need as many texts. Received: 3"):
        with_text([{}, {}], None, MANY[:3])
