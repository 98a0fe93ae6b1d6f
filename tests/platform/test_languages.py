"""The page in other languages: nothing is left out, and what is compiled is what is written."""

import ast
import html
import io
import re
from pathlib import Path

import pytest
from PIL import Image

import tfproductgan
from tfproductgan.platform.access.roles import ROLES, SCOPES
from tfproductgan.platform.engine import ONLY_WITH_ITS_WEIGHTS
from tfproductgan.platform.page import languages
from tfproductgan.platform.page.figures import BETTER, MEANING
from tfproductgan.platform.problems import WRONG

TEMPLATES = languages.CATALOGUES.parent / "templates"
PACKAGE = Path(tfproductgan.__file__).parent
SOURCES = [
    *(PACKAGE / "platform").rglob("*.py"),
    *(PACKAGE / f"{n}.py" for n in ("conditions", "errors", "vocabulary")),
]
# said by the program, and translated where a template shows it
FROM_CODE = {*ROLES, *SCOPES.values(), "waiting", "running", "done", "cancelled", "now", "when it was new"}
FROM_CODE |= {*WRONG.values(), *BETTER.values(), *MEANING.values()}
FROM_CODE |= {words for found in ONLY_WITH_ITS_WEIGHTS.values() for words in found}

VALUE = re.compile(r"%\(\w+\)[sr]")
FOLDERS = [folder / "LC_MESSAGES" for folder in languages.CATALOGUES.iterdir() if folder.is_dir()]


def messages():
    extract = pytest.importorskip("babel.messages.extract").extract
    found = set(FROM_CODE)
    for path in TEMPLATES.glob("*.jinja"):
        with path.open("rb") as file:
            parts = extract("jinja2.ext:babel_extract", file, options={"trim_blocks": "true"})
            found |= {message for _, message, _, _ in parts}
    for path in SOURCES:
        with path.open("rb") as file:
            found |= {message for _, message, _, _ in extract("python", file, keywords={"Message": None})}
    return found


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_a_catalogue_says_everything_and_nothing_else(folder):
    read_po = pytest.importorskip("babel.messages.pofile").read_po
    catalogue = read_po(io.BytesIO((folder / "page.po").read_bytes()))
    said = {message.id: message.string for message in catalogue if message.id}
    assert said.keys() == messages()
    for original, words in said.items():
        assert words and sorted(VALUE.findall(original)) == sorted(VALUE.findall(words)), original
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


def _photo():
    """One without a background of one colour."""
    file = io.BytesIO()
    Image.effect_noise((20, 20), 100).save(file, "PNG")
    return file.getvalue()


PHOTO = _photo()
CHINESE = {"Accept-Language": "zh"}
LATIN = re.compile(r"[A-Za-z_]{2,}")
# beside what is quoted: names of fields and attributes, and what is called so in Chinese too
GIVEN = {"category", "generate", "count", "percent", "scopes", "pictures_per_day", "days", "seed", "truncation", "Ring"}
GIVEN |= {"CSV", "UTF", "JPEG", "PNG", "GIF", "BMP", "WEBP", "tfproductgan", "evaluate", "rate"}
NOT_OURS = ("cannot identify image file", "substring not found")  # of the libraries that read files


def mistakes():
    """Forms that are filled in wrong: path, fields, files, and words that Chinese people then read."""
    asked = {
        "of category": "Ring",
        "of base colour": "Gold",
        "count": "1",
        "seed": "5",
        "truncation": "1",
        "steps": "3",
    }
    no_photo = {"file": ("night.png", b"nothing")}
    return {
        "/page/models/shop/generate": [
            ({**asked, "of category": "Wach"}, {}, "您是指 'Watch' 吗？"),
            ({**asked, "of category": "zzz"}, {}, "可用的有：'Ring', 'Mug', 'Watch'"),
            ({**asked, "count": "many"}, {}, "应为数字"),
            ({**asked, "count": "65"}, {}, "之间的整数"),
            ({**asked, "seed": "-1"}, {}, "之间的整数"),
            ({**asked, "truncation": "9"}, {}, "截断应为"),
        ],
        "/page/models/nowhere/generate": [(asked, {}, "没有模型 'nowhere'")],
        "/page/models/sketches/generate": [(asked, {}, "模型 'sketches' 不能 generate")],
        "/page/models/shop/edit": [
            ({**asked, "attribute": "colur", "value": "Mug"}, {}, "没有属性 'colur'"),
            ({**asked, "attribute": "category", "value": "Ring"}, {}, "已经显示 Ring"),
        ],
        "/page/models/sketches/translate": [({}, {}, "请先选择一张照片"), ({}, no_photo, "不是常见格式")],
        "/page/cutout": [({}, {"file": ("night.png", PHOTO)}, "不是单一颜色")],
        "/page/models/shop/versions": [
            ({"percent": "101"}, {}, "应不大于 100"),
            ({"version": "9", "percent": "0"}, {}, "版本 9 不可用"),
        ],
        "/page/jobs": [
            ({"model": "shop"}, {}, "请先选择一个 CSV 文件"),
            ({"model": "shop"}, {"file": ("night", "colur\nGold\n")}, "不是属性"),
            ({"model": "shop"}, {"file": ("night", "category\nMug\nRnig\n")}, "第 2 行：category 没有值 'Rnig'"),
            ({"model": "shop"}, {"file": ("night", "category\nMug,Ring\n")}, "单元格比表头多"),
            ({"model": "shop"}, {"file": ("night", b"\xff")}, "应为 UTF-8"),
            ({"model": "shop"}, {"file": ("night", "category\n")}, "至少需要一行"),
        ],
        "/page/jobs/nobody/cancel": [({}, {}, "没有任务")],
        "/page/ratings": [({}, {}, "请先选择一个评判页面"), ({}, {"file": ("night", b"nothing")}, "评判页面：")],
        "/page/pictures/nobody/keep": [({}, {}, "没有图片 'nobody'")],
        "/page/people": [
            ({"name": "nobody", "password": "letters", "role": "maker"}, {}, "密码至少 12 个字符"),
            ({"name": "", "password": "letters", "role": "maker"}, {}, "已被使用或为空"),
            ({"name": "nobody", "password": "letters", "role": "night"}, {}, "没有角色 'night'"),
        ],
        "/page/people/nobody/close": [({}, {}, "没有用户 'nobody'")],
        "/page/keys": [
            ({"name": "night"}, {}, "至少 1 项"),
            ({"name": "night", "scope": ["night"]}, {}, "没有权限 'night'"),
            ({"name": "night", "scope": ["keys:administer"], "pictures_per_day": "0"}, {}, "应不小于 1"),
            ({"name": "night", "scope": ["keys:administer"], "days": "many"}, {}, "应为整数"),
        ],
        "/page/keys/nobody/rotate": [({}, {}, "没有密钥 'nobody'")],
        "/page/nowhere": [({}, {}, "没有内容")],
        "/gallery": [({}, {}, "不能在这个地址")],
    }


@pytest.mark.parametrize("path", mistakes())
def test_mistakes_are_told_in_chinese(browser, path):
    client = browser()
    for fields, files, words in mistakes()[path]:
        answer = client.post(path, data=fields, files=files, headers=CHINESE)
        said = html.unescape(re.sub(r"<[^>]*>", "", answer.text))
        assert answer.status_code >= 400 and words in said
        said = re.sub(r"'[^']*'", "", said)
        for part in NOT_OURS:
            said = re.sub(f"{part}.*", "", said)
        assert set(LATIN.findall(said)) <= GIVEN, said
        assert 'lang="en"' not in answer.text
        english = client.post(path, data=fields, files=files).text
        assert not re.search(r"[\u4e00-\u9fff]", english)


def test_who_opens_a_page_that_there_is_not_reads_so_and_programs_get_a_problem(browser):
    client = browser()
    del client.headers["HX-Request"]
    for path, status, words in (("/models/nowhere", 404, "没有模型"), ("/compare?id=nobody", 404, "没有图片")):
        page = client.get(path, headers={**CHINESE, "Accept": "text/html"})
        assert page.status_code == status and words in page.text and '<html lang="zh">' in page.text
    answer = client.get("/api/v1/models/nowhere", headers={**CHINESE, "Accept": "text/html"})
    assert answer.headers["Content-Type"] == "application/problem+json" and "There is no model" in answer.text


def test_words_of_an_engine_stay_english_and_say_so(browser, engine):
    client = browser()
    engine.refuses = (400, "the engine's own <words>")
    asked = {"of category": "Ring", "count": "1", "seed": "5", "truncation": "1"}
    said = client.post("/page/models/shop/generate", data=asked, headers=CHINESE).text
    assert '原因如下： <span lang="en">the engine&#39;s own &lt;words&gt;</span>' in said


def test_limits_and_what_is_forbidden_are_told_in_chinese(browser, platform, monkeypatch):
    client = browser()
    client.post("/page/forbidden", data={"words": "Ring"})
    asked = {"of category": "Ring", "count": "1", "seed": "5", "truncation": "1"}
    assert "这里不允许请求 'Ring'" in html.unescape(
        client.post("/page/models/shop/generate", data=asked, headers=CHINESE).text
    )
    client.post("/page/forbidden", data={"words": ""})
    monkeypatch.setattr(platform.settings, "pictures_per_day", 1)
    said = client.post("/page/models/shop/generate", data={**asked, "count": "2"}, headers=CHINESE).text
    assert "每天最多 1 张图片" in said
    monkeypatch.setattr(platform.settings, "upload_megabytes", 0)
    viewer = browser("viewer")
    assert "无权这样做" in viewer.post("/page/forbidden", data={}, headers=CHINESE).text
    assert "请重新加载页面" in viewer.post("/sign-out", headers={**CHINESE, "X-CSRF-Token": "x"}).text


@pytest.mark.parametrize("path", SOURCES[:-3], ids=lambda path: path.name)
def test_what_requests_are_refused_with_can_be_said_in_another_language(path):
    """Of each error that a request may get the words are a `Message`, or a name for one."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            name = ast.unparse(node.exc.func)
            if name in ("RefusedError", "ConditionError", "PhotoError", "UnknownModelError"):
                words = node.exc.args[1 if name == "RefusedError" else 0]
                assert not isinstance(words, ast.Constant | ast.JoinedStr), f"{path.name}:{node.lineno}"


def test_words_that_people_see_are_not_written_into_the_templates():
    for path in TEMPLATES.glob("*.jinja"):
        text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.S)
        bare = re.sub(r"<[^>]*>", "", text).replace("tfproductgan", "")
        assert not re.search(r"[A-Za-z]", bare), (path.name, bare.strip())
