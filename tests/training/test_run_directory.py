import json

import pytest

from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.errors import RunError
from tfproductgan.recipes import Recipe, get_recipe
from tfproductgan.training.run_directory import RunDirectory, schema_changes

SCHEMA = ConditionSchema([Attribute("category", ("Ring", "Mug"))], 32)


def test_a_run_is_written_down(tmp_path):
    run = RunDirectory(tmp_path / "deep" / "run")
    assert not run.started
    run.start(Recipe(seed=3), SCHEMA, {"fingerprint": "f"})
    assert run.started
    assert Recipe.from_dict(json.loads((run.path / "recipe.json").read_text())) == Recipe(seed=3).for_size(32)
    assert ConditionSchema.from_json((run.path / "schema.json").read_text()) == SCHEMA
    assert json.loads((run.path / "data.json").read_text()) == {"fingerprint": "f"}
    assert [start["keras"] for start in json.loads((run.path / "environment.json").read_text())]


def test_the_same_run_goes_on_and_each_start_is_noted(tmp_path):
    for _ in range(2):
        RunDirectory(tmp_path / "run").start(Recipe(), SCHEMA, {"fingerprint": "f"})
    assert len(json.loads((tmp_path / "run" / "environment.json").read_text())) == 2


@pytest.mark.parametrize(
    ("recipe", "schema", "data", "said"),
    [
        (Recipe(batch_size=16), SCHEMA, {"fingerprint": "f"}, "another recipe: batch_size was 32, now 16"),
        (get_recipe("vae"), SCHEMA, {"fingerprint": "f"}, 'another family: kind was "gan", now "vae". Repeat'),
        (
            get_recipe("mlp"),
            SCHEMA,
            {"fingerprint": "f"},
            'another family: discriminator was "dcgan", now "mlp", generator was "dcgan", now "mlp". Repeat',
        ),
        (Recipe(), ConditionSchema([], 32), {"fingerprint": "g"}, "another schema: attribute category is gone. Repeat"),
        (
            Recipe(),
            ConditionSchema([Attribute("category", ("Ring", "Cap", "Tie", "Bag", "Hat"))], 32),
            {"fingerprint": "g"},
            "schema: of category Mug gone, of category Cap, Tie, Bag and 1 more new. Repeat",
        ),
        # not the learning rates that suit the size
        (Recipe(), ConditionSchema(SCHEMA.attributes, 64), {"fingerprint": "f"}, "schema: image_size was 32, now 64"),
        (Recipe(), SCHEMA, {"fingerprint": "g"}, 'another data: fingerprint was "f", now "g"'),
    ],
)
def test_another_run_is_refused_naming_what_differs(tmp_path, recipe, schema, data, said):
    RunDirectory(tmp_path / "run").start(Recipe(), SCHEMA, {"fingerprint": "f"})
    with pytest.raises(RunError, match="choose another --out") as error:
        RunDirectory(tmp_path / "run").start(recipe, schema, data)
    assert said in str(error.value)


def test_a_schema_counts_as_weights_see_it():
    """Ids, not how often they come."""
    assert not schema_changes(SCHEMA, SCHEMA.with_combinations([(1,), (2,)]))
    one, other = (Attribute(name, ("A", "B")) for name in ("one", "other"))
    turned = Attribute("one", ("B", "A"))
    for attributes, said in (
        ([other, one], "attributes are in another order"),
        ([turned, other], "values of one are in another order or number"),
        ([Attribute("one", ("A", "B"), several=2), other], "values of one are in another order or number"),
    ):
        assert schema_changes(ConditionSchema([one, other], 32), ConditionSchema(attributes, 32)) == said
    assert schema_changes(SCHEMA, ConditionSchema(SCHEMA.attributes, 64, 1)) == (
        "channels was 3, now 1, image_size was 32, now 64"
    )


def test_how_the_photos_are_named_may_change(tmp_path):
    for options in ({"data": "photos"}, {"data": "/new/place/photos"}):
        RunDirectory(tmp_path / "run").start(Recipe(), SCHEMA, {"fingerprint": "f", "options": options})
        assert json.loads((tmp_path / "run" / "data.json").read_text())["options"] == options
    RunDirectory(tmp_path / "run").start(Recipe(), SCHEMA, {"fingerprint": "f"})
    assert json.loads((tmp_path / "run" / "data.json").read_text())["options"] == options


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(RunError, match="no run directory"):
        RunDirectory(tmp_path).start(Recipe(), SCHEMA, {})
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_in_the_way_is_refused(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(RunError, match="no run directory"):
        RunDirectory(tmp_path / "run").start(Recipe(), SCHEMA, {})


def test_what_cannot_start_or_go_on_is_refused_before_anything_is_written(tmp_path):
    RunDirectory(tmp_path / "run").start(Recipe(), SCHEMA, {})
    (tmp_path / "file").write_text("x")
    for path, recipe, said in (
        (tmp_path / "run", Recipe(seed=1), "seed was 0, now 1"),
        (
            tmp_path / "run",
            get_recipe("dcgan", generator_learning_rate=1e-3),
            "generator_learning_rate was 0.002, now 0.001",
        ),
        (tmp_path, Recipe(), "no run directory"),
        (tmp_path / "file", Recipe(), "no run directory"),
        (tmp_path / "file" / "run", Recipe(), "file' is no folder that can be written"),
    ):
        with pytest.raises(RunError, match=said):
            RunDirectory(path).accept(recipe)
    RunDirectory(tmp_path / "run").accept(Recipe())
    RunDirectory(tmp_path / "deep" / "run").accept(Recipe())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "run"]


def test_one_process_at_a_time_trains_in_a_folder(tmp_path):
    run = RunDirectory(tmp_path / "run")
    with run.locked():
        run.start(Recipe(), SCHEMA, {})
        with pytest.raises(RunError, match=r"'.*/run' is in use by process \d+ on "), RunDirectory(run.path).locked():
            pass
    with run.locked():
        run.start(Recipe(), SCHEMA, {})  # goes on
    assert not list(run.path.glob(".*"))


def test_a_process_that_was_killed_before_it_began_leaves_a_free_folder(tmp_path):
    (tmp_path / ".lock").write_text("process 1 on elsewhere")
    RunDirectory(tmp_path).accept(Recipe())
    with RunDirectory(tmp_path).locked():
        RunDirectory(tmp_path).start(Recipe(), SCHEMA, {})


def test_nothing_is_written_into_a_folder_of_others(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(RunError, match="no run directory"), RunDirectory(tmp_path).locked():
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
