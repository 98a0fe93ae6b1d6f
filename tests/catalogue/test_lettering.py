from PIL import ImageFont

from tfproductgan.catalogue.lettering import drawable


def test_accents_are_dropped_and_other_scripts_marked():
    assert drawable("Crème brûlée, ﬁne\n手表") == "Creme brulee, fine\n??"


def test_everything_drawable_has_a_glyph():
    font = ImageFont.load_default(12)
    box = bytes(font.getmask("\u624b"))
    assert all(bytes(font.getmask(letter)) != box for letter in drawable("Crème … – “x” ½ 手"))
