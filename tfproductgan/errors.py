"""What the package raises: one class a kind of mistake, each message one line that says what would be right."""

from __future__ import annotations

import difflib
import functools
import importlib
from collections.abc import Callable, Iterable
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


class Message(str):
    """What somebody is told, and what it is made of, so that it can be said in another language too.

    Args:
        template: The English, with `%(name)s` in the place of values; the key of translations.
        values: These values; those that are messages themselves are translated as well.

    Example:
    ```python
    raise ConditionError(Message("There is no model %(name)r.", name=name))
    ```
    """

    template: str
    values: dict[str, object]

    def __new__(cls, template: str, **values: object) -> Message:
        made = super().__new__(cls, template % values if values else template)
        made.template, made.values = template, values
        return made

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, object]]:
        return (self.template,), self.values

    def by(self, translate: Callable[[str], str]) -> str:
        """The same in the words of a translation, such as `gettext`."""
        values = {
            name: value.by(translate) if isinstance(value, Message) else value for name, value in self.values.items()
        }
        said = translate(self.template)
        return said % values if values else said


def message_of(error: BaseException) -> str:
    """What an error says, as a `Message` where it was raised with one."""
    return error.args[0] if error.args and isinstance(error.args[0], Message) else str(error)


def listed(messages: Iterable[str]) -> str:
    """Several things that are wrong, one after the other."""
    return functools.reduce(lambda first, then: Message("%(first)s; %(then)s", first=first, then=then), messages)


def either(names: Iterable[str]) -> str:
    """One of several names."""
    return functools.reduce(lambda first, then: Message("%(first)s or %(then)s", first=first, then=then), names)


def together(names: Iterable[str]) -> str:
    """Several names."""
    return functools.reduce(lambda first, then: Message("%(first)s and %(then)s", first=first, then=then), names)


def nearest(name: str, valid: Iterable[str], count: int = 3) -> str:
    """Words for an error message: the valid names closest to `name`, or the first ones if none is close."""
    valid = list(valid)
    by_folded = {value.casefold(): value for value in valid}
    close = difflib.get_close_matches(name.casefold(), by_folded, n=count, cutoff=0.55)
    if close:
        return Message("did you mean %(names)s?", names=either(repr(by_folded[match]) for match in close))
    shown = ", ".join(repr(value) for value in valid[:12])
    if len(valid) > 12:
        return Message("valid: %(names)s and %(count)s more", names=shown, count=len(valid) - 12)
    return Message("valid: %(names)s", names=shown) if valid else Message("there are none")


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
