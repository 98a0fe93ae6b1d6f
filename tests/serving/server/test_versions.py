import shutil

import pytest

from tfproductgan.errors import ServingError
from tfproductgan.serving.server import versions
from tfproductgan.serving.server.versions import Models, source
from tfproductgan.serving.statuses import RequestError


class Loaded:
    """Stands for a model; a file that says so cannot be loaded."""

    def __init__(self, name, folder):
        self.content = (folder / "saved_model.pb").read_text()
        if self.content == "damaged":
            raise ValueError("saved_model.pb is damaged")

    def warm_up(self, folder):
        self.warm = True


@pytest.fixture(autouse=True)
def loads_quickly(monkeypatch):
    monkeypatch.setattr(versions, "LoadedModel", Loaded)


def put(base, *numbers, content="good", name="toy"):
    for number in numbers:
        folder = base / name / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "saved_model.pb").write_text(content)


def served(path):
    models = Models(source(path))
    models.refresh()
    return models


def test_the_newest_version_is_served_and_a_newer_one_takes_over(tmp_path):
    put(tmp_path, 2, 10)
    models = served(tmp_path)
    assert models.available() == {"toy": [10]}
    before = models.find("toy")[1]
    put(tmp_path, 11)
    models.refresh()
    assert models.available() == {"toy": [11]}
    assert models.find("toy")[0] == 11
    assert before.warm  # who found it can still use it


def test_only_folders_with_a_number_and_a_graph_are_versions(tmp_path):
    put(tmp_path, 1, "2.part", "latest", "\u0663")
    (tmp_path / "toy" / "3" / "variables").mkdir(parents=True)
    (tmp_path / "studio.keras").write_text("a file")
    assert served(tmp_path).available() == {"toy": [1]}


@pytest.mark.parametrize("good", [1, 3])
def test_a_damaged_version_leaves_the_good_one_serving(tmp_path, good):
    put(tmp_path, good)
    put(tmp_path, 2, content="damaged")
    put(tmp_path, 4, content="damaged")
    models = served(tmp_path)
    assert models.available() == {"toy": [good]}
    [newest, *_] = models.status("toy")
    assert (newest.number, newest.state) == (4, "END")
    assert "damaged" in newest.error


def test_a_version_that_was_not_yet_whole_is_tried_again(tmp_path):
    put(tmp_path, 1)
    models = served(tmp_path)
    put(tmp_path, 2, content="damaged")
    models.refresh()
    assert models.available() == {"toy": [1]}
    put(tmp_path, 2, content="good now")
    models.refresh()
    assert models.available() == {"toy": [2]}


def test_a_damaged_version_is_not_tried_again_until_it_changes(tmp_path, monkeypatch):
    put(tmp_path, 1)
    put(tmp_path, 2, content="damaged")
    models = served(tmp_path)
    monkeypatch.setattr(versions, "LoadedModel", lambda *arguments: pytest.fail("loaded again"))
    models.refresh()
    assert models.available() == {"toy": [1]}


def test_a_version_that_is_removed_gives_way_to_the_one_before(tmp_path):
    put(tmp_path, 1, 2)
    models = served(tmp_path)
    shutil.rmtree(tmp_path / "toy" / "2")
    models.refresh()
    assert models.find("toy")[0] == 1
    with pytest.raises(RequestError, match="no version 2 that can be asked; available: 1") as error:
        models.find("toy", 2)
    assert error.value.code == "NOT_FOUND"


def test_models_come_and_go(tmp_path):
    put(tmp_path, 1)
    models = served(tmp_path)
    put(tmp_path, 1, name="other")
    shutil.rmtree(tmp_path / "toy")
    models.refresh()
    assert models.available() == {"other": [1]}
    with pytest.raises(RequestError, match="no model 'toy'") as error:
        models.find("toy")
    assert error.value.http_status == 404


def test_before_the_first_load_everybody_is_asked_to_wait(tmp_path):
    put(tmp_path, 1)
    with pytest.raises(RequestError, match="being loaded") as error:
        Models(source(tmp_path)).find("toy")
    assert (error.value.code, error.value.retry_after) == ("UNAVAILABLE", 1)


def config(tmp_path, policy="", labels=""):
    path = tmp_path / "models.config"
    base = tmp_path / "models" / "toy"
    path.write_text(f"""model_config_list {{ config {{
        name: "toy" base_path: "{base}" model_platform: "tensorflow" {policy} {labels} }} }}""")
    return path


def test_a_configuration_says_which_versions_and_labels(tmp_path):
    put(tmp_path / "models", 1, 2, 3)
    policy = "model_version_policy { specific { versions: 1 versions: 3 } }"
    path = config(tmp_path, policy, 'version_labels { key: "stable" value: 1 }')
    models = served(path)
    assert models.available() == {"toy": [1, 3]}
    assert models.find("toy", label="stable")[0] == 1
    with pytest.raises(RequestError, match="no label 'canary': valid: 'stable'") as error:
        models.find("toy", label="canary")
    assert error.value.code == "INVALID_ARGUMENT"
    path.write_text(path.read_text().replace('"stable" value: 1', '"stable" value: 3'))
    models.refresh()
    assert models.find("toy", label="stable")[0] == 3


@pytest.mark.parametrize("policy, available", [("latest { num_versions: 2 }", [2, 3]), ("all {}", [1, 2, 3])])
def test_policies_of_a_configuration(tmp_path, policy, available):
    put(tmp_path / "models", 1, 2, 3)
    assert served(config(tmp_path, f"model_version_policy {{ {policy} }}")).available() == {"toy": available}


def test_a_configuration_that_breaks_while_serving_changes_nothing(tmp_path):
    put(tmp_path / "models", 1)
    path = config(tmp_path)
    models = served(path)
    path.write_text("model_config_list {{{")
    models.refresh()
    assert models.available() == {"toy": [1]}


@pytest.mark.parametrize("content", ["model_config_list {{{", "", 'no_such_field: "x"'])
def test_a_configuration_that_cannot_be_read_is_told(tmp_path, content):
    path = tmp_path / "models.config"
    path.write_text(content)
    with pytest.raises(ServingError, match=r"models\.config"):
        source(path)


def test_a_path_that_holds_nothing_is_told(tmp_path):
    with pytest.raises(ServingError, match="no folder"):
        source(tmp_path / "typo")
    with pytest.raises(ServingError, match="holds no model: expected NAME/1"):
        source(tmp_path)
    put(tmp_path, 1)
    with pytest.raises(ServingError, match="give the folder above it"):
        source(tmp_path / "toy" / "1")


def test_one_models_folder_will_do(tmp_path):
    put(tmp_path, 1)
    assert served(tmp_path / "toy").available() == {"toy": [1]}
