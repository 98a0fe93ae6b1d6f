"""EfficientNet-Lite0 beside figures of the original: `efficientnet_lite_pytorch` 0.1.0 with PyTorch 2.13, on a CPU."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from tfproductgan.errors import JudgementError, MissingExtraError
from tfproductgan.metrics.efficientnet_lite import PACKAGE, SIZE, efficientnet_lite0
from tfproductgan.metrics.extractors import get_extractor

THEIRS = Path(__file__).with_name("efficientnet_lite0.npz")  # of pictures(), (x - 127) / 128

needs_weights = pytest.mark.skipif(importlib.util.find_spec(PACKAGE) is None, reason="needs the extra lite0")


def pictures():
    """Ten pictures of blots, mixed of large and small ones."""
    rng = np.random.default_rng(7)
    sizes = [(side, SIZE // side) for side in (4, 14, 56, SIZE)]
    blots = [rng.integers(0, 256, (10, side, side, 3)).repeat(n, 1).repeat(n, 2) for side, n in sizes]
    shares = rng.random((4, 10)) ** 4
    return np.einsum("sn,snhwc->nhwc", shares / shares.sum(0), blots).astype(np.uint8)


@needs_weights
def test_features_and_classes_are_the_originals():
    extractor = get_extractor("efficientnet-lite0")
    assert (extractor.dim, extractor.num_classes) == (1280, 1000)
    features, probabilities = extractor.outputs(pictures())
    with np.load(THEIRS) as theirs:
        np.testing.assert_allclose(features, theirs["features"], atol=1e-4)
        np.testing.assert_allclose(probabilities, theirs["probabilities"], atol=1e-5)
    # what figures are named after: the same on every machine
    assert extractor.id == "efficientnet-lite0-c2fae0"
    assert extractor.preprocessing == "3 channels, bicubic to 224x224, 0..255"


def test_without_the_extra_the_error_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, PACKAGE, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'tfproductgan\[lite0\]'"):
        get_extractor("efficientnet-lite0")


def test_a_damaged_file_is_refused(tmp_path):
    (tmp_path / "half.pth").write_bytes(b"half of")
    with pytest.raises(JudgementError, match=r"damaged, or another file.*pip install --force-") as raised:
        get_extractor("efficientnet-lite0", path=tmp_path / "half.pth")
    assert "\n" not in str(raised.value)
    with pytest.raises(JudgementError, match="No such file"):
        efficientnet_lite0(tmp_path / "nothing.pth")
