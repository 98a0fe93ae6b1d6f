"""What a signature of a SavedModel takes and gives, and whether a request fits."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

import numpy as np

from tfproductgan.errors import nearest
from tfproductgan.serving import protos
from tfproductgan.serving.statuses import invalid


@dataclasses.dataclass(frozen=True)
class Spec:
    """Type and shape of an input or output.

    Args:
        type_name: Such as `"DT_FLOAT"`.
        dtype: NumPy's type; `object` for strings, `None` for what has no counterpart.
        shape: One size a dimension, -1 where it is open; `None` if their number is open.
    """

    type_name: str
    dtype: np.dtype | None
    shape: tuple[int, ...] | None

    @classmethod
    def from_proto(cls, info: protos.TensorInfo) -> Spec:
        """The spec that a SavedModel declares."""
        shape = info.tensor_shape
        return cls(
            protos.DataType.values_by_number[info.dtype].name,
            protos.dtype_of(info.dtype),
            None if shape.unknown_rank else tuple(dim.size for dim in shape.dim),
        )

    @property
    def batched(self) -> bool:
        """Whether dimension 0 is open, as that of a batch is."""
        return self.shape is not None and self.shape[:1] == (-1,)

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Whether an array of that shape can be given."""
        if self.shape is None:
            return True
        return len(shape) == len(self.shape) and all(b in (-1, a) for a, b in zip(shape, self.shape, strict=True))

    def __str__(self) -> str:
        shape = "of any shape" if self.shape is None else list(self.shape)
        return f"{self.type_name} {shape}"


class Signature:
    """One signature of a SavedModel, by its name and the `SignatureDef` that the SavedModel holds."""

    def __init__(self, name: str, definition: protos.SignatureDef):
        self.name = name
        self.definition = definition
        self.inputs = {key: Spec.from_proto(definition.inputs[key]) for key in sorted(definition.inputs)}
        self.outputs = {key: Spec.from_proto(definition.outputs[key]) for key in sorted(definition.outputs)}
        specs = [*self.inputs.values(), *self.outputs.values()]
        self.batched = bool(self.inputs) and all(spec.batched for spec in specs)

    def check(self, inputs: Mapping[str, np.ndarray]) -> int:
        """Refuse what would fail, or would make strangers' requests in the same batch fail.

        Returns:
            The number of rows; 1 if the signature has no batches.

        Raises:
            RequestError: If an input is missing, unknown, of another type or shape, or they differ in rows.
        """
        self.check_names(inputs)
        for name, array in inputs.items():
            spec = self.inputs[name]
            if array.dtype != spec.dtype or not spec.fits(array.shape):
                kind = "DT_STRING" if array.dtype == object else array.dtype
                raise invalid(f"Input {name!r} must be {spec}. Received: {kind} {list(array.shape)}")
        if not self.batched:
            return 1
        rows = {name: len(array) for name, array in inputs.items()}
        if len(set(rows.values())) > 1:
            raise invalid(f"All inputs must have the same number of rows. Received: {rows}")
        num_rows = next(iter(rows.values()))
        if not num_rows:
            raise invalid("A request needs at least one row.")
        return num_rows

    def check_names(self, names: Iterable[str]) -> None:
        """Refuse inputs that are unknown or missing.

        Raises:
            RequestError: If there are such.
        """
        names = set(names)
        for name in sorted(names - set(self.inputs)):
            raise invalid(f"Signature {self.name!r} has no input {name!r}: {nearest(name, self.inputs)}")
        if missing := sorted(set(self.inputs) - names):
            listed = ", ".join(repr(name) for name in missing)
            raise invalid(f"Signature {self.name!r} needs every input; missing: {listed}")
