"""A chain of preprocessing steps: data, until it is bound to an energy axis."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from lithoscope.errors import PreprocessingError
from lithoscope.preprocess.layout import Layout
from lithoscope.preprocess.step import FittedStep, Step
from lithoscope.preprocess.step_names import step_from_description

_LONGEST = 32


@dataclass(frozen=True, eq=False)
class Chain:
    """Steps that follow one another.

    Parameters
    ----------
    steps
        The steps, first to last.
    """

    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.steps) <= _LONGEST:
            raise PreprocessingError(
                f"A chain of {len(self.steps)} steps.", expected=f"1 to {_LONGEST} steps"
            )

    @classmethod
    def from_description(
        cls, steps: object, arrays: Mapping[str, NDArray[np.float32]] | None = None
    ) -> Chain:
        """Make a chain of a list of names or of mappings ``{step: name, ...}``.

        Parameters
        ----------
        steps
            As `description` gives it, or as a user writes it in YAML.
        arrays
            What steps have learnt, as `arrays` gives it.

        Raises
        ------
        PreprocessingError
            If there is no such step or parameter, or a value does not fit.
        """
        if isinstance(steps, str) or not isinstance(steps, Sequence):
            raise PreprocessingError(
                f"A chain is given as {str(steps)[:80]!r}.", expected="a list of steps"
            )
        made = [step_from_description(item) for item in steps]
        for index, step in enumerate(made):
            start = f"{index}/"
            state = {
                key.removeprefix(start): value
                for key, value in (arrays or {}).items()
                if key.startswith(start)
            }
            if state and isinstance(step, FittedStep):
                made[index] = dataclasses.replace(step, state=state)
        return cls(tuple(made))

    def description(self) -> list[dict[str, Any]]:
        """Return the chain as plain values, every parameter named."""
        return [{"step": step.name, **step.parameters()} for step in self.steps]

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Return what the steps have learnt, by ``place/name``."""
        return {
            f"{index}/{name}": values
            for index, step in enumerate(self.steps)
            if isinstance(step, FittedStep)
            for name, values in step.state.items()
        }

    @property
    def is_fitted(self) -> bool:
        """Whether every step can be used."""
        return all(step.is_fitted for step in self.steps)

    def layouts(self, first: Layout) -> list[Layout]:
        """Return what enters each step, and last what leaves the chain.

        Raises
        ------
        PreprocessingError
            If the steps do not fit each other.
        """
        found = [first]
        for step in self.steps:
            found.append(step.after(found[-1]))
        return found

    def fit(self, batches: Iterable[Tensor], edges_keV: ArrayLike) -> Chain:
        """Return the chain with its unfitted steps fitted, one after the other.

        Parameters
        ----------
        batches
            Counts, shape (batch, bin) each; gone through once for each step to be fitted.
        edges_keV
            Edges of the bins, shape (bin + 1,).

        Raises
        ------
        PreprocessingError
            If there are too few spectra, the steps do not fit each other, or one is a network.
        """
        layouts = self.layouts(Layout.of_counts(edges_keV))
        steps = list(self.steps)
        for index, step in enumerate(steps):
            if isinstance(step, FittedStep) and not step.is_fitted:
                before = Chain(tuple(steps[:index])).on(edges_keV) if index else None
                steps[index] = step.fit(
                    (batch if before is None else before.transform(batch) for batch in batches),
                    layouts[index],
                )
        return Chain(tuple(steps))

    def on(self, edges_keV: ArrayLike) -> BoundChain:
        """Return the chain ready for counts on bins of these edges, shape (bin + 1,).

        Raises
        ------
        PreprocessingError
            If the steps do not fit each other, or one was not fitted, or to another axis.
        """
        return BoundChain(self, Layout.of_counts(edges_keV))

    def __str__(self) -> str:
        return " -> ".join(map(str, self.steps))


# What a network is shown unless a recipe says otherwise.
DEFAULT_CHAIN = Chain.from_description(["network"])


class BoundChain:
    """A chain on one energy axis.

    Parameters
    ----------
    chain
        The steps.
    layout
        What enters the first.
    """

    def __init__(self, chain: Chain, layout: Layout) -> None:
        self.chain = chain
        self.layouts = chain.layouts(layout)
        self._transforms = [
            step.bound(given) for step, given in zip(chain.steps, self.layouts[:-1], strict=True)
        ]

    @property
    def leaves(self) -> Layout:
        """What leaves the chain."""
        return self.layouts[-1]

    def transform(self, counts: Tensor, live_time_s: Tensor | None = None) -> Tensor:
        """Apply every step.

        A spectrum without any counts gives zeros, whatever the steps.

        Parameters
        ----------
        counts
            Shape (batch, bin) or (y, x, bin), 0 or more.
        live_time_s
            Live time of each spectrum in s, shape (batch,) or (y, x), for steps that divide by it.

        Returns
        -------
        Tensor
            float32, shape (batch, length) or (batch, channels, length); with y and x in place of
            batch where `counts` had them.

        Raises
        ------
        PreprocessingError
            If counts are negative, not finite or of another shape, or live times are missing.
        """
        self._check(counts)
        values = counts.reshape(-1, counts.shape[-1]).float()
        times = None if live_time_s is None else live_time_s.reshape(-1)
        empty = ~values.any(dim=1)
        # In full precision in training too: what is learnt is then applied to the same numbers.
        with torch.no_grad(), torch.autocast(values.device.type, enabled=False):
            for apply in self._transforms:
                values = apply(values, times)
        if empty.any():
            # In place would change what the caller gave, where no step made a copy.
            keep = (~empty).to(values).reshape(-1, *[1] * (values.ndim - 1))
            values = values * keep
        return values.reshape(*counts.shape[:-1], *values.shape[1:])

    def network_inputs(self, counts: Tensor) -> Tensor:
        """Apply every step to counts (batch, bin) and give (batch, channels, length)."""
        values = self.transform(counts)
        return values if values.ndim == 3 else values[:, None]

    def _check(self, counts: Tensor) -> None:
        length = self.layouts[0].length
        if counts.ndim not in (2, 3) or counts.shape[-1] != length:
            single = counts.ndim == 1
            raise PreprocessingError(
                f"Counts of shape {tuple(counts.shape)}.",
                expected=f"(batch, {length}) or (y, x, {length})",
                remedy="give a single spectrum as a batch of one: counts[None]" if single else "",
            )
        # A NaN fails this comparison too.
        if counts.numel() and not (counts.min() >= 0 and torch.isfinite(counts.max())):
            raise PreprocessingError(
                "The counts hold NaN, infinity or numbers below 0.",
                expected="finite counts of 0 or more",
                remedy="use the spectra as measured, without their background subtracted",
            )
