"""Metadata of others that say who made a picture."""

import pytest
from PIL import Image

from tfproductgan.provenance import SYNTHETIC, XMP, source_type
from tfproductgan.sampling.files import annotate, read_source_type, write_png

TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/"


@pytest.mark.parametrize(
    ("xmp", "expected"),
    [
        (XMP, SYNTHETIC),
        (XMP.encode(), SYNTHETIC),
        (f"<Iptc4xmpExt:DigitalSourceType>{TYPE}digitalCapture</Iptc4xmpExt:DigitalSourceType>", "digitalCapture"),
        (f"<Iptc4xmpExt:DigitalSourceType rdf:resource='{TYPE}composite'/>", "composite"),
        (f"<x>{TYPE}composite</x>", None),
        ("", None),
    ],
)
def test_the_source_type_is_found_however_it_is_written(xmp, expected):
    assert source_type(xmp) == expected


def test_files_that_we_write_name_it(tmp_path):
    image = annotate(Image.new("RGB", (4, 4)), "grid", "model-1")
    assert read_source_type(write_png(tmp_path / "a.png", image)) == SYNTHETIC
    Image.new("RGB", (4, 4)).save(tmp_path / "b.png")
    assert read_source_type(tmp_path / "b.png") is None
