"""What the package raises: one class a kind of mistake, each message one line that says what would be right."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable
from types import ModuleType


class ProductGANError(Exception):
    """Base of every error this package raises on purpose; the command line prints it without a traceback."""


class ConditionError(ProductGANError, ValueError):
    """A condition that the schema does not know, or a schema that cannot be."""


class CatalogueError(ProductGANError, ValueError):
    """A folder, table or data set that cannot be used as it is."""


class PhotoError(CatalogueError):
    """One photo that cannot be read."""


class RecipeError(ProductGANError, ValueError):
    """A recipe, network, loss or option that does not exist or does not fit the others."""


class RunError(ProductGANError):
    """A run directory, checkpoint or output that cannot be read, written or continued."""


class WriteError(RunError):
    """A file that cannot be written: no room, no permission."""


class AlarmError(RunError):
    """A training that was stopped because something is wrong with it."""


class JudgementError(ProductGANError, ValueError):
    """A model that cannot be judged as asked: too few samples, features that are no numbers, another extractor."""


class ConversionError(ProductGANError):
    """A form of a model that lost its weights or its quality, or that cannot be made."""


class KerasSettingError(ProductGANError):
    """A setting of Keras with which nothing here works."""


class ServingError(ProductGANError):
    """A server that does not answer, or not as asked; a model that cannot be served."""


class PlatformError(ProductGANError):
    """The platform cannot do something: its store, its engine or a setting does not let it."""


class TrainingStopped(KeyboardInterrupt):
    """A signal ended a training after a finished step, and a checkpoint was written.

    Args:
        signal_number: The signal.
        images_seen: Images the checkpoint has seen.
    """

    def __init__(self, signal_number: int, images_seen: int):
        super().__init__(f"Saved at {images_seen:,} images")
        self.exit_code = 128 + signal_number


class MissingExtraError(ProductGANError, ImportError):
    """An optional dependency that is not installed."""


def nearest(name: str, valid: Iterable[str], count: int = 3) -> str:
    """Words for an error message: the valid names closest to `name`, or the first ones if none is close."""
    valid = list(valid)
    by_folded = {value.casefold(): value for value in valid}
    close = difflib.get_close_matches(name.casefold(), by_folded, n=count, cutoff=0.5)
    if close:
        return "did you mean " + " or ".join(repr(by_folded[match]) for match in close) + "?"
    shown = ", ".join(repr(value) for value in valid[:12])
    more = f" and {len(valid) - 12} more" if len(valid) > 12 else ""
    return f"valid: {shown}{more}" if valid else "there are none"


def require(module: str, extra: str) -> ModuleType:
    """Import an optional dependency.

    Args:
        module: The module to import, such as `"pyarrow"`.
        extra: The extra of this package that installs it.

    Raises:
        MissingExtraError: If it is not installed; the message names the extra.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{module} is needed here and cannot be imported ({error}). "
            f"Install it with: pip install 'tfproductgan[{extra}]'"
        ) from error
