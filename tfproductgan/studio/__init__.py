"""The built-in catalogue: a procedural photo studio that needs no files.

A product is a pure function of `(seed, index)`, its pictures of the product and the size.
"""

from tfproductgan.studio.products import Product
from tfproductgan.studio.rendering import (
    ATTRIBUTES,
    CATEGORIES,
    Rendering,
    product,
    render,
    render_image,
    render_lines,
    render_mask,
)

__all__ = [
    "ATTRIBUTES",
    "CATEGORIES",
    "Product",
    "Rendering",
    "product",
    "render",
    "render_image",
    "render_lines",
    "render_mask",
]
