"""Gradient penalties by name: what the slope of the discriminator costs it, and where that slope is taken.

Taking the gradient is the model's work, since it needs a tape:

```python
images = points(penalty.name, real, fake, noise)
gradients = ...   # of sum(discriminator(images)) with respect to images
loss += penalty.weight * penalty.interval * penalty.value(gradients)
```
"""

from __future__ import annotations

import dataclasses
import math
import numbers
from collections.abc import Sequence
from typing import Any

from keras import backend, ops

from tfproductgan.errors import RecipeError, nearest

PENALTIES = {"r1": "real", "r2": "fake", "wgan-gp": "between", "dragan": "around"}
"""The penalties by name, and at which images each takes the gradient."""


@dataclasses.dataclass(frozen=True)
class Penalty:
    """A gradient penalty of the discriminator; several can be combined by adding them up.

    `dataclasses.asdict` gives its JSON form, `Penalty(**data)` reads it.

    - `"r1"`: zero-centred, E ||g||^2 / 2 at the real images. Mescheder et al. 2018, "Which Training Methods
      for GANs do actually Converge?"
    - `"r2"`: zero-centred, E ||g||^2 / 2 at the generated images. Same paper; used together with R1 by Huang
      et al. 2025, "The GAN is dead; long live the GAN!" (R3GAN).
    - `"wgan-gp"`: one-centred, E (||g|| - 1)^2 between real and generated images. Gulrajani et al. 2017,
      "Improved Training of Wasserstein GANs".
    - `"dragan"`: one-centred, E (||g|| - 1)^2 around the real images. Kodali et al. 2017, "On Convergence and
      Stability of GANs".

    Args:
        name: One of `PENALTIES`.
        weight: Multiplies the value; the caller does so. Of R1 and R2 it is the gamma of the papers, whose
            penalty is gamma / 2 E ||g||^2; of the others their lambda (10 in both papers).
        interval: The penalty is computed in every `interval`-th step only ("lazy"), to save time. The caller
            then multiplies it by `interval` as well, so that its average strength stays.

    Raises:
        RecipeError: If the name is unknown, the weight negative or the interval below 1.
    """

    name: str
    weight: float
    interval: int = 1

    def __post_init__(self):
        _check_name(self.name)
        weight, interval = self.weight, self.interval
        if not isinstance(weight, numbers.Real) or not (math.isfinite(weight) and weight >= 0):
            raise RecipeError(f"The weight of penalty {self.name!r} must be 0 or more. Received: {weight!r}")
        if not isinstance(interval, numbers.Integral) or interval < 1:
            raise RecipeError(f"The interval of penalty {self.name!r} must be 1 step or more. Received: {interval!r}")

    @property
    def points(self) -> str:
        """Where the gradient is taken: `"real"`, `"fake"`, `"between"` or `"around"`; see `points`."""
        return PENALTIES[self.name]

    def value(self, gradients: Any) -> Any:
        """The penalty without its weight and interval.

        Args:
            gradients: Gradient of each image's logit with respect to that image, `[B, H, W, C]`.

        Returns:
            The mean over the batch, a scalar of float32 (float64 for float64 gradients).
        """
        gradients = ops.convert_to_tensor(gradients)
        gradients = ops.cast(gradients, backend.result_type(gradients.dtype, "float32"))
        squared_norms = ops.sum(ops.square(gradients), axis=(1, 2, 3))
        if self.points in ("real", "fake"):
            return 0.5 * ops.mean(squared_norms)
        return ops.mean(ops.square(_safe_sqrt(squared_norms) - 1.0))


def noise_shape(name: str, image_shape: Sequence[int]) -> tuple[int, ...] | None:
    """The shape of the noise that `points` needs.

    Args:
        name: One of `PENALTIES`.
        image_shape: Shape of the batch, `(B, H, W, C)`.

    Returns:
        `(B, 1, 1, 1)` for `"wgan-gp"`, `(B, H, W, C)` for `"dragan"`, `None` for those without noise.

    Raises:
        RecipeError: If there is no such penalty.
    """
    _check_name(name)
    batch, height, width, channels = image_shape
    return {"between": (batch, 1, 1, 1), "around": (batch, height, width, channels)}.get(PENALTIES[name])


def points(name: str, real: Any, fake: Any, noise: Any = None) -> Any:
    """The images at which a penalty takes the discriminator's gradient.

    With noise u, uniform in [0, 1):

    - `"r1"`: `real`; `"r2"`: `fake`.
    - `"wgan-gp"`: `real + u * (fake - real)`, one u an image.
    - `"dragan"`: `real + std(real) / 2 * u`, one u a value, with the standard deviation of the whole batch:
      the perturbation of the authors' code (the paper's text says Gaussian). Their code then steps a random
      share of the way from `real` to there; this goes all the way.

    Args:
        name: One of `PENALTIES`.
        real: Real images, `[B, H, W, C]`; not read for `"r2"`.
        fake: Generated images, `[B, H, W, C]`; read for `"r2"` and `"wgan-gp"` only.
        noise: Uniform in [0, 1), of shape `noise_shape(name, real.shape)`. Nothing random is drawn here.

    Returns:
        Images, `[B, H, W, C]`.

    Raises:
        RecipeError: If there is no such penalty.
    """
    _check_name(name)
    where = PENALTIES[name]
    if where == "real":
        return real
    if where == "fake":
        return fake
    if where == "between":
        return real + noise * (fake - real)
    return real + 0.5 * ops.std(real) * noise


def _check_name(name: str) -> None:
    if name not in PENALTIES:
        raise RecipeError(f"Unknown penalty {name!r}: {nearest(str(name), PENALTIES)}")


def _safe_sqrt(squares: Any) -> Any:
    """The square root, with derivative 0 instead of infinity at 0 (a new discriminator can be flat)."""
    positive = squares > 0
    return ops.where(positive, ops.sqrt(ops.where(positive, squares, 1.0)), 0.0)
