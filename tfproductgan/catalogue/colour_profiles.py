"""Colours as they were meant: photos with an embedded profile become sRGB, since nothing behind them knows others."""

from __future__ import annotations

import functools
import io
import itertools
import struct
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image, ImageCms

# of red, green, blue and white: x, y
_SRGB = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
_ADOBE_RGB = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, 0.3127, 0.3290)
_ADOBE_GAMMA = 1 / 2.19921875
_D50 = np.array([0.9642, 1.0, 0.8249])
# between XYZ and the responses of the eye's cones, after Bradford
_CONES = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])

_GAMMA_OF_SRGB = 1 / 2.2
_ALIKE = 0.05  # share by which gammas differ that mean the same, as libpng sees it

_building = threading.Lock()


def in_srgb(image: Image.Image, info: Mapping[Any, Any]) -> Image.Image:
    """A photo in sRGB, with its transparency; itself if it is that already, says nothing or cannot be believed.

    Args:
        image: The photo, 8 bits a value.
        info: What its file said about it, as Pillow's `info`.
    """
    transform = _transform_of(image.mode, info)
    if transform is None:
        return image
    grey, alpha = image.mode in ("1", "L", "LA", "La"), None
    if image.has_transparency_data:
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
    made = transform.apply(image if image.mode == transform.input_mode else image.convert(transform.input_mode))
    made = made.getchannel("G") if grey else made
    if alpha is not None:
        made.putalpha(alpha)
    return made


def foreign_profile(mode: str, info: Mapping[Any, Any]) -> str | None:
    """What a photo's colours are called, if `in_srgb` converts them; else `None`."""
    if _transform_of(mode, info) is None:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(_profile(info) or b""))
        return " ".join(ImageCms.getProfileDescription(profile).split()) or "unnamed"
    except Exception:  # a description is no reason to lose anything
        return "unnamed"


def _transform_of(mode: str, info: Mapping[Any, Any]) -> ImageCms.ImageCmsTransform | None:
    try:
        profile = _profile(info)
        with _building:  # once, not once in each of the threads that decode
            found = _transform(profile) if profile else None
    except Exception:  # a broken profile is no reason to lose its photo, and lcms has several kinds of errors
        return None
    if found is None:
        return None
    kind = {"1": "L", "LA": "L", "La": "L"}.get(mode, "RGB" if mode not in ("L", "CMYK") else mode)
    # a photo that was made grey often keeps the profile that it had in colour
    fits = kind == found.input_mode or (kind == "L" and found.input_mode == "RGB")
    return found if fits else None


def _profile(info: Mapping[Any, Any]) -> bytes | None:
    """The ICC profile of a photo, made where the file says the same in other words."""
    if info.get("icc_profile"):
        return info["icc_profile"]
    if "srgb" in info:
        return None
    if "gamma" in info or "chromaticity" in info:
        white, *primaries = np.reshape(info.get("chromaticity", (*_SRGB[6:], *_SRGB[:6])), (4, 2)).tolist()
        return _png_profile(info.get("gamma"), (*itertools.chain(*primaries), *white))
    # cameras that are set to Adobe RGB write no profile, but the file system's rule "R03" into the EXIF data
    if b"R03\0" in info.get("exif", b""):
        return matrix_profile("Adobe RGB by EXIF", _ADOBE_RGB, _ADOBE_GAMMA)
    return None


def _png_profile(gamma: float | None, chromaticity: tuple[float, ...]) -> bytes | None:
    """What the chunks gAMA and cHRM of a PNG mean; `None` if it is sRGB, or nothing that can be."""
    ordinary = gamma is None or abs(gamma / _GAMMA_OF_SRGB - 1) <= _ALIKE
    if ordinary and np.allclose(chromaticity, _SRGB, atol=0.01):
        return None
    if gamma is not None and not 0.2 <= gamma <= 1.5:
        return None
    return matrix_profile("gamma and primaries of a PNG", chromaticity, gamma)


@functools.lru_cache(maxsize=64)
def matrix_profile(name: str, chromaticity: tuple[float, ...], gamma: float | None) -> bytes | None:
    """An ICC profile, version 2.

    Args:
        name: Its description.
        chromaticity: x and y of red, green, blue and white.
        gamma: What the file's values are as a power of light, such as 1 / 2.2; `None` for the curve of sRGB.

    Returns:
        The profile, or `None` if the colours span nothing.
    """
    x, y = np.reshape(chromaticity, (4, 2)).T
    if (y <= 0).any():
        return None
    xyz = np.stack([x / y, np.ones(4), (1 - x - y) / y])  # one colour a column
    try:
        colorants = xyz[:, :3] * np.linalg.solve(xyz[:, :3], xyz[:, 3])
    except np.linalg.LinAlgError:
        return None
    gains = (_CONES @ _D50) / (_CONES @ xyz[:, 3])
    colorants = np.linalg.inv(_CONES) @ np.diag(gains) @ _CONES @ colorants  # under D50, as profiles have them
    if gamma is None:
        values = np.linspace(0, 1, 1024)
        light = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
        curve = struct.pack(">4xI", len(light)) + np.rint(65535 * light).astype(">u2").tobytes()
    else:
        curve = struct.pack(">4xIH2x", 1, round(256 / gamma))
    text = name.encode("ascii", "replace") + b"\0"
    tags = {
        b"desc": b"desc" + struct.pack(">4xI", len(text)) + text + bytes(78 + -(len(text) + 90) % 4),
        b"cprt": b"text" + bytes(4) + b"none" + bytes(4),
        b"wtpt": _xyz(_D50),
        **{key: _xyz(column) for key, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), colorants.T, strict=True)},
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), b"curv" + curve),
    }
    start = 132 + 12 * len(tags)
    index, body = struct.pack(">I", len(tags)), b""
    for key, data in tags.items():
        index += key + struct.pack(">II", start + len(body), len(data))
        body += data
    head = struct.pack(">I4xI4s4s4s12x4s28x", start + len(body), 0x02100000, b"mntr", b"RGB ", b"XYZ ", b"acsp")
    return head + _fixed(_D50) + bytes(48) + index + body


def _xyz(values: np.ndarray) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(values)


def _fixed(values: np.ndarray) -> bytes:
    return np.rint(65536 * values).astype(">i4").tobytes()


@functools.lru_cache(maxsize=64)
def _transform(profile: bytes) -> ImageCms.ImageCmsTransform | None:
    """From a profile to sRGB; `None` if that changes no colour by more than a level, so that sRGB stays as it is."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    mode = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}[source.profile.xcolor_space.strip()]
    target = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    transform = ImageCms.ImageCmsTransform(source, target, mode, "RGB", intent)
    if mode == "CMYK":
        return transform
    levels = np.arange(0, 256, 15, dtype=np.uint8)
    probe = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(len(levels), -1, 3)
    image = Image.fromarray(probe)
    if mode == "L":
        image = image.getchannel("G")
        probe = np.asarray(image.convert("RGB"))
    changed = np.abs(np.asarray(transform.apply(image)).astype(np.int16) - probe).max()
    return transform if changed > 1 else None
