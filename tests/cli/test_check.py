import json
import os
import shutil
import zipfile

import numpy as np
import pytest
from PIL import Image

from tfproductgan.cli.main import main


@pytest.fixture(autouse=True)
def plain_output(monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")


def check(*words):
    """Check for a training with batches of eight photos."""
    return main(["check", *map(str, words), "--batch-size", "8"])


@pytest.fixture
def folder(tmp_path):
    for number in range(12):
        path = tmp_path / "photos" / ("rings" if number % 2 else "mugs") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (40, 40, 3), np.uint8)
        Image.fromarray(pixels).save(path)
    return tmp_path / "photos"


def write_table(folder):
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))
    table = folder / "products.csv"
    table.write_text("photo,kind\n" + "".join(f"{name},{name.split('/')[0]}\n" for name in names))
    return table


def test_folder(folder, capsys):
    assert check(folder) == 0
    printed = capsys.readouterr().out
    assert "class: 2 values" in printed
    assert "Training would use all 12 photos." in printed
    assert "photos to train on are few" in printed


def test_writes_json_and_sheet(folder, tmp_path, capsys):
    outputs = [tmp_path / "report.json", tmp_path / "sheet.png"]
    assert check(folder, "--json", outputs[0], "--sheet", outputs[1]) == 0
    assert json.loads(outputs[0].read_text())["labels"] == {"class": {"mugs": 6, "rings": 6}}
    with Image.open(outputs[1]) as sheet:
        assert sheet.width == 1240
    assert str(outputs[1]) in capsys.readouterr().out.replace("\n", "")


def test_table_with_photos_elsewhere(folder, tmp_path, capsys):
    table = write_table(folder).rename(tmp_path / "products.csv")
    assert check(table, "--images", folder, "--attributes", "kind") == 0
    assert "kind: 2 values" in capsys.readouterr().out


def test_folder_and_zip_with_a_table(folder, tmp_path, capsys):
    write_table(folder)
    assert check(folder, "--attributes", "kind") == 0
    packed = tmp_path / "products.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in folder.rglob("*.*"):
            archive.write(path, path.relative_to(folder))
    assert check(packed, "--attributes", "kind") == 0
    assert capsys.readouterr().out.count("kind: 2 values") == 2


def test_table_without_attributes_says_how_to_name_them(folder, capsys):
    write_table(folder)
    assert check(folder) == 0
    assert "--attributes" in capsys.readouterr().out


def test_studio(capsys):
    assert check("studio:24", "--attributes", "category", "--image-size", "32") == 0
    assert "category:" in capsys.readouterr().out


def test_pairs(folder, tmp_path, capsys):
    shutil.copytree(folder, tmp_path / "drawings")
    assert check(folder, "--sources", tmp_path / "drawings") == 0
    assert "use all 12 photos" in capsys.readouterr().out
    (tmp_path / "drawings" / "mugs" / "0.png").unlink()
    (tmp_path / "drawings" / "mugs" / "2.png").write_bytes(b"nothing")
    assert check(folder, "--sources", tmp_path / "drawings") == 1
    said = capsys.readouterr().out
    assert "2 of 12 photos" in said and "no 'mugs/0' in" in said and "its source cannot be used" in said


def test_exit_code_1_when_training_would_stop(folder, capsys):
    (folder / "mugs" / "broken.jpg").write_bytes(b"nothing")
    assert check(folder) == 1
    assert "Training would stop" in capsys.readouterr().out
    assert check(folder, "--max-unreadable", "0.2") == 0


def test_fewer_photos_than_a_batch_stop_training(folder, capsys):
    assert main(["check", str(folder)]) == 1
    assert "11 photos to train on, and a batch takes 32" in capsys.readouterr().out


def test_reports_are_not_replaced_unasked(folder, tmp_path, capsys):
    (tmp_path / "report.json").write_text("years of work")
    assert check(folder, "--json", tmp_path / "report.json") == 1
    assert "report.json' exists already" in capsys.readouterr().err
    assert (tmp_path / "report.json").read_text() == "years of work"
    assert check(folder, "--json", tmp_path / "report.json", "--overwrite") == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "'nowhere' does not exist"),
        (["nowhere", "--images", "photos"], "'nowhere' does not exist"),
        (["studio:many"], "studio:COUNT takes the number of photos"),
        (["{folder}", "--attributes", "a,b"], "has 1 level of class folders"),
        (["{folder}", "--text", "title"], "--text is for tables"),
    ],
)
def test_errors_are_one_line(folder, words, said, capsys):
    assert check(*(word.format(folder=folder) for word in words)) == 1
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


@pytest.mark.parametrize("option", [["--image-size", "0"], ["--max-unreadable", "2"], ["--attributes", ","]])
def test_wrong_options_are_usage_errors(folder, option):
    with pytest.raises(SystemExit) as stopped:
        main(["check", str(folder), *option])
    assert stopped.value.code == 2


@pytest.fixture
def some_real_photos(tmp_path):
    """An archive of each eighth row of the table and its photo."""
    path = tmp_path / "some.zip"
    with zipfile.ZipFile(os.environ["TFPRODUCTGAN_PRODUCTS_ZIP"]) as whole, zipfile.ZipFile(path, "w") as some:
        header, *rows = whole.read("products.csv").decode().splitlines()
        some.writestr("products.csv", "\n".join([header, *rows[::8]]))
        for row in rows[::8]:
            file = row.split(",")[0]
            some.writestr(file, whole.read(file))
    return path


@pytest.mark.skipif("TFPRODUCTGAN_PRODUCTS_ZIP" not in os.environ, reason="needs real photos")
@pytest.mark.slow
def test_real_photos(some_real_photos, tmp_path, capsys):
    sheet = tmp_path / "sheet.png"
    assert check(some_real_photos, "--attributes", "articleType,baseColour", "--sheet", sheet) == 0
    assert "Near duplicates" in capsys.readouterr().out
    with Image.open(sheet) as written:
        assert written.height > 2000
