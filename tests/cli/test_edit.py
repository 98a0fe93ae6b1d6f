import numpy as np
import pytest
from PIL import Image

from tfproductgan.cli.main import main
from tfproductgan.models import loading
from tfproductgan.models.conditional_gan import ConditionalGAN
from tfproductgan.sampling.files import read_metadata

SIZE = 8
ASKED = ("Ring", "Gold", "Front")


@pytest.fixture(scope="module")
def model(small_generator, served_schema):
    return small_generator(served_schema(image_size=SIZE), family="mlp")


@pytest.fixture
def small_gan_of_styles(served_schema):
    options = {"width": 4, "max_width": 4, "mapping_layers": 1}
    networks = {"generator": {**options, "z_dim": 4, "w_dim": 4, "embedding_dim": 4}, "discriminator": options}
    return ConditionalGAN.from_recipe("stylegan2", served_schema(), precision="float32", **networks).trained()


@pytest.fixture
def edit(model, tmp_path, monkeypatch):
    """Runs `tfproductgan edit` in an empty folder with a model that was not trained."""
    monkeypatch.setattr(loading, "load", lambda path: model)
    monkeypatch.chdir(tmp_path)
    return lambda *words: main(["edit", "run", *words])


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def pixels(path):
    return np.asarray(Image.open(path))


def test_without_a_direction_a_sheet_shows_what_they_do(edit, tmp_path, capsys):
    assert edit(*ASKED, "--seed", "7") == 0
    [name] = names(tmp_path / "pictures")
    assert name == "ring-gold-front-directions-1-to-6-seed7.png"
    metadata = read_metadata(tmp_path / "pictures" / name)
    assert metadata["kind"] == "edits" and metadata["rows"] == [f"direction {n}" for n in range(1, 7)]
    assert [p["edits"][0]["strength"] for p in metadata["pictures"][:7]] == [-3, -2, -1, 0, 1, 2, 3]
    assert "Ring, Gold, Front, seed 7, directions 1 to 6" in capsys.readouterr().out


def test_one_strength_is_a_picture_that_can_be_told_again(edit, tmp_path):
    words = (*ASKED, "seed 7", "--direction", "2", "--strength", "-1.5")
    assert edit(*words) == 0
    path = tmp_path / "pictures" / "ring-gold-front-direction-2-by-minus-1-5-seed7.png"
    before, drawn = path.read_bytes(), pixels(path)
    assert edit(*words) == 1  # nothing is replaced unasked
    assert edit(*words, "--overwrite") == 0 and path.read_bytes() == before
    # and edited once more from its file, here back to where it began
    assert edit("--photo", str(path), "--direction", "2", "--strength", "1.5", "--out", "back") == 0
    [back] = names(tmp_path / "back")
    assert len(read_metadata(tmp_path / "back" / back)["edits"]) == 2
    [start] = loading.load("run").generate({"class": "Ring", "base colour": "Gold", "view": "Front"}, seed=7)
    np.testing.assert_allclose(pixels(tmp_path / "back" / back).astype(int), start, atol=1)
    assert np.any(drawn != start)


def test_a_strip_goes_towards_a_value(edit, tmp_path):
    assert edit(*ASKED, "--direction", "base colour=navy blue", "--strength", "0", "0.5", "1") == 0
    metadata = read_metadata(tmp_path / "pictures" / "ring-gold-front-towards-navy-blue-seed0.png")
    assert metadata["columns"] == ["0", "0.5", "1"]
    assert metadata["pictures"][1]["edits"] == [{"towards": {"base colour": "navy blue"}, "strength": 0.5}]


def test_pictures_are_mixed_layer_by_layer(small_gan_of_styles, edit, tmp_path, monkeypatch):
    monkeypatch.setattr(loading, "load", lambda path: small_gan_of_styles)
    assert edit(*ASKED, "--seed", "3", "--mix", "Mug, seed 9") == 0
    metadata = read_metadata(tmp_path / "pictures" / "ring-gold-front-mixed-with-mug-seed-9-seed3.png")
    assert [picture["edits"][0]["layer"] for picture in metadata["pictures"]] == [8, 7, 6, 5, 4, 3, 2, 1, 0]
    other = {"class": "Mug", "base colour": "Gold", "view": "Front"}
    assert metadata["pictures"][0]["edits"][0]["mixed_with"] == {"conditions": other, "seed": 9, "truncation": 1.0}
    assert edit(*ASKED, "--mix", "seed 9", "--layer", "0", "--out", "one") == 0
    [name] = names(tmp_path / "one")
    assert name == "ring-gold-front-from-layer-0-on-ring-gold-front-seed-9-seed0.png"
    assert edit(*ASKED, "--direction", "1", "--strength", "2", "--layers", "0-3", "--out", "coarse") == 0
    [name] = names(tmp_path / "coarse")
    assert read_metadata(tmp_path / "coarse" / name)["edits"] == [{"direction": 1, "strength": 2.0, "layers": [0, 3]}]


def test_the_picture_of_a_photo_is_found_and_edited(edit, tmp_path, capsys):
    Image.new("RGB", (40, 20), (200, 30, 30)).save("my ring.jpg")
    assert edit("Ring", "--photo", "my ring.jpg", "--steps", "3") == 0
    said = capsys.readouterr().out
    assert "my ring.jpg has 40 x 20 pixels and is fitted into the 8 x 8 of the model" in said
    assert "compared by pixels alone" in said and "of 255 levels" in said
    stem = "my-ring-found-ring-seed0"
    assert names(tmp_path / "pictures") == [f"{stem}-beside-photo.png", f"{stem}.png"]
    metadata = read_metadata(tmp_path / "pictures" / f"{stem}.png")
    assert metadata["photo"] == "my ring.jpg" and metadata["error"] > 0
    assert edit("--photo", f"pictures/{stem}.png", "--direction", "1", "--strength", "0", "--out", "again") == 0
    [again] = names(tmp_path / "again")
    np.testing.assert_array_equal(pixels(tmp_path / "again" / again), pixels(tmp_path / "pictures" / f"{stem}.png"))
    assert main(["inspect", f"pictures/{stem}.png"]) == 0
    assert "latents of its own, in the file" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["Rong"], "'Rong' is no value of class, base colour, view: did you mean 'Ring'"),
        (["--direction", "99"], "direction must be a whole number from 1 to 6. Received: 99"),
        (["--direction", "kolour=Gold"], "Unknown attribute 'kolour'"),
        (["--direction", "base colour=Goldy"], "Unknown base colour 'Goldy': did you mean 'Gold'"),
        (["--direction", "1", "--strength", "nan"], "strength must be a finite number. Received: nan"),
        (["--direction", "1", "--layers", "0-3"], "whose layers each have one, such as stylegan2's"),
        (["--mix", "Mug"], "whose layers each have one, such as stylegan2's"),
        (["--strength", "1"], "--strength is how far to go along a --direction"),
        (["--layer", "1"], "give --mix too"),
        (["--photo", "photo.jpg", "--direction", "99"], "direction must be a whole number from 1 to 6. Received: 99"),
        (["--photo", "photo.jpg", "--truncation", "0.5"], "--truncation belongs to a seed"),
        (["--photo", "none.jpg"], "'none.jpg' cannot be read: No such file"),
        (["--photo", "text.jpg"], "text.jpg: not a JPEG"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(edit, tmp_path, capsys, words, said):
    (tmp_path / "text.jpg").write_text("no photo")
    Image.new("RGB", (8, 8)).save("photo.jpg")
    assert edit(*words) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("tfproductgan: error: ") and said in line
    assert names(tmp_path) == ["photo.jpg", "text.jpg"]


@pytest.mark.parametrize("words", [["--direction", "x"], ["--layers", "a"], ["--direction", "1", "--mix", "Mug"]])
def test_options_that_cannot_be_are_usage_errors(edit, words):
    with pytest.raises(SystemExit) as stop:
        edit(*words)
    assert stop.value.code == 2


def test_what_its_own_file_says_is_not_said_again(edit, capsys):
    assert main(["generate", "--model", "run", *ASKED]) == 0
    for words, said in ((["Mug"], "leave 'Mug' out"), (["--seed", "3"], "and with which seed: leave that out")):
        assert edit(*words, "--photo", "pictures/ring-gold-front-seed0.png", "--direction", "1") == 1
        assert said in capsys.readouterr().err
