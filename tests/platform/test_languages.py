"""The page in other languages: nothing is left out, and what is compiled is what is written."""

import io
import re

import pytest

from tfproductgan.platform.access.roles import ROLES, SCOPES
from tfproductgan.platform.engine import ONLY_WITH_ITS_WEIGHTS
from tfproductgan.platform.page import languages
from tfproductgan.platform.page.figures import BETTER, MEANING

TEMPLATES = languages.CATALOGUES.parent / "templates"
# said by the program, and translated where a template shows it
FROM_CODE = {*ROLES, *SCOPES.values(), "waiting", "running", "done", "cancelled", "now", "when it was new"}
FROM_CODE |= {*BETTER.values(), *MEANING.values()}
FROM_CODE |= {words for found in ONLY_WITH_ITS_WEIGHTS.values() for words in found}

FOLDERS = [folder / "LC_MESSAGES" for folder in languages.CATALOGUES.iterdir() if folder.is_dir()]


def messages():
    extract = pytest.importorskip("babel.messages.extract").extract
    found = set(FROM_CODE)
    for path in TEMPLATES.glob("*.jinja"):
        with path.open("rb") as file:
            parts = extract("jinja2.ext:babel_extract", file, options={"trim_blocks": "true"})
            found |= {message for _, message, _, _ in parts}
    return found


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_a_catalogue_says_everything_and_nothing_else(folder):
    read_po = pytest.importorskip("babel.messages.pofile").read_po
    catalogue = read_po(io.BytesIO((folder / "page.po").read_bytes()))
    said = {message.id: message.string for message in catalogue if message.id}
    assert said.keys() == messages()
    for original, words in said.items():
        assert words and set(re.findall(r"%\(\w+\)s", original)) == set(re.findall(r"%\(\w+\)s", words)), original
    compiled = languages.LANGUAGES[folder.parent.name]
    # after a change: pybabel compile -D page -d tfproductgan/platform/page/locale
    assert {original: compiled.gettext(original) for original in said} == said


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,zh;q=0.9", "en"),
        ("de,zh;q=0.5,en;q=0.4", "zh"),
        ("zh;q=0,de", "en"),
        ("fr;q=x, *", "en"),
        ("", "en"),
    ],
)
def test_the_browser_chooses(accepted, expected):
    assert languages.language_of(accepted) == expected


def test_the_page_is_in_the_language_of_the_browser(client):
    page = client.get("/sign-in", headers={"Accept-Language": "zh-CN"})
    assert '<html lang="zh">' in page.text and "登录" in page.text
    assert '<html lang="en">' in client.get("/sign-in", headers={"Accept-Language": "de"}).text
    assert "生成图片" in client.get("/", headers={"Accept-Language": "zh-TW"}).text


def test_words_that_people_see_are_not_written_into_the_templates():
    for path in TEMPLATES.glob("*.jinja"):
        text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.S)
        bare = re.sub(r"<[^>]*>", "", text).replace("tfproductgan", "")
        assert not re.search(r"[A-Za-z]", bare), (path.name, bare.strip())
