"""What every step of a preprocessing chain is: parameters, where it fits, and what it does."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.errors import PreprocessingError
from lithoscope.preprocess.layout import Layout

# Takes values of shape (batch, length) and the live times of the spectra in s, where known.
Transform = Callable[[Tensor, Tensor | None], Tensor]


@dataclass(frozen=True, eq=False)
class Step(abc.ABC):
    """A step: a frozen set of parameters, each with a default and a plain value."""

    name: ClassVar[str]

    @abc.abstractmethod
    def after(self, layout: Layout) -> Layout:
        """Return what leaves the step when `layout` enters it.

        Raises
        ------
        PreprocessingError
            If the step cannot take it.
        """

    @abc.abstractmethod
    def bound(self, layout: Layout) -> Transform:
        """Return what the step does to batches of a layout."""

    @property
    def is_fitted(self) -> bool:
        """Whether the step can be used as it is."""
        return True

    def parameters(self) -> dict[str, Any]:
        """Return the parameters as plain values."""
        return {
            item.name: getattr(self, item.name)
            for item in dataclasses.fields(self)
            if item.name != "state"
        }

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> Self:
        """Make a step of parameters as a YAML file gives them; the others keep their defaults.

        Raises
        ------
        PreprocessingError
            If there is no such parameter, or its value is of the wrong type or out of range.
        """
        known = cls().parameters()
        for key, value in parameters.items():
            if key not in known:
                raise PreprocessingError(
                    f"'{cls.name}' has no parameter '{key}'.",
                    expected=", ".join(known) or "no parameters",
                )
            if not _is_like(value, known[key]):
                raise PreprocessingError(
                    f"'{cls.name}' has {key}: {value!r}.",
                    expected=f"a value such as {known[key]!r}",
                )
        return cls(**parameters)

    def require(self, holds: bool, parameter: str, expected: str) -> None:
        """Raise `PreprocessingError` about a parameter unless a condition holds."""
        if not holds:
            raise PreprocessingError(
                f"'{self.name}' has {parameter}: {getattr(self, parameter)!r}.", expected=expected
            )

    def __str__(self) -> str:
        defaults = type(self)().parameters()
        changed = [
            f"{key}={value}" for key, value in self.parameters().items() if value != defaults[key]
        ]
        return f"{self.name}({', '.join(changed)})" if changed else self.name


@dataclass(frozen=True, eq=False)
class FittedStep(Step):
    """A step that learns from spectra before it can be used.

    Parameters
    ----------
    state
        What was learnt, as arrays by name; empty before.
    """

    state: Mapping[str, NDArray[np.float32]] = field(default_factory=dict, repr=False, kw_only=True)

    @abc.abstractmethod
    def fit(self, batches: Iterable[Tensor], layout: Layout) -> Self:
        """Return the step fitted to batches of shape (batch, length) of a layout."""

    @property
    def is_fitted(self) -> bool:
        """Whether the step has been fitted."""
        return bool(self.state)

    def learnt(self, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Return an array that was learnt.

        Raises
        ------
        PreprocessingError
            If the step was not fitted, or was fitted to spectra of another length.
        """
        if not self.is_fitted:
            raise PreprocessingError(
                f"'{self.name}' has not been fitted.",
                expected="a chain fitted to spectra before it is applied",
                remedy="call Chain.fit, or train a model with the chain: lithoscope train",
            )
        values = self.state.get(name)
        if values is None or values.shape != shape or not np.isfinite(values).all():
            found = "nothing" if values is None else f"shape {values.shape}"
            raise PreprocessingError(
                f"'{self.name}' learnt {found} for {name}, or values that are not finite.",
                expected=f"finite numbers of shape {shape}, as long as the spectra are",
                remedy="fit the chain anew on this axis",
            )
        return values

    def no_spectra(self) -> PreprocessingError:
        """Return the error of a fit that was given too few spectra."""
        return PreprocessingError(
            f"'{self.name}' was given too few spectra to be fitted to.",
            expected="batches of spectra, to be gone through once for each step that is fitted",
        )


def _is_like(value: object, default: object) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, float):
        return isinstance(value, int | float) and bool(np.isfinite(value))
    return isinstance(value, type(default))
