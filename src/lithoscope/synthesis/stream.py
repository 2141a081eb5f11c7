"""A stream of simulated measurements that never repeats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.errors import InvalidValueError
from lithoscope.physics.detector import fano_term_from_factor
from lithoscope.synthesis.bank import SpectrumBank
from lithoscope.synthesis.conditions import MIXED_WITH, MeasurementRange
from lithoscope.synthesis.random_bragg import BraggDraw, add_bragg, sample_bragg


@dataclass(frozen=True, eq=False)
class Draw:
    """The random parameters of a batch, sampled before anything is applied.

    Parameters
    ----------
    rows
        Spectra of the bank, shape (batch, 1 + MIXED_WITH); the first is the named mineral.
    shares
        Share of each in the counts, shape (batch, 1 + MIXED_WITH).
    gains, offsets_keV
        Energy a line at E seems to have: ``gain E + offset``, shapes (batch,).
    totals
        Expected total counts, shape (batch,).
    bragg
        Bragg peaks.
    """

    rows: Tensor
    shares: Tensor
    gains: Tensor
    offsets_keV: Tensor
    totals: Tensor
    bragg: BraggDraw


@dataclass(frozen=True, eq=False)
class SpectrumBatch:
    """Simulated measurements with their truth.

    Parameters
    ----------
    counts
        Poisson counts, shape (batch, bin), float32.
    classes
        True class, shape (batch,), int64.
    draw
        How they came about.
    """

    counts: Tensor
    classes: Tensor
    draw: Draw


class SpectrumStream:
    """Endless batches of simulated measurements, balanced over classes.

    Parameters
    ----------
    bank
        Expected spectra.
    conditions
        What varies.
    edges_keV
        Bin edges of the model's axis, inside the bank's, shape (bin + 1,).
    batch_size
        Spectra in a batch.
    seed
        Seed of everything drawn.
    """

    def __init__(
        self,
        bank: SpectrumBank,
        conditions: MeasurementRange,
        edges_keV: NDArray[np.float64],
        *,
        batch_size: int,
        seed: int,
    ) -> None:
        if batch_size < 1:
            raise InvalidValueError(f"Batches of {batch_size}.", expected="1 or more spectra")
        self._check_reach(bank, conditions, edges_keV)
        self.bank = bank
        self.conditions = conditions
        self.batch_size = batch_size
        self._edges = torch.as_tensor(edges_keV, dtype=torch.float64)
        self._bank_edges = torch.as_tensor(bank.edges_keV, dtype=torch.float64)
        self._bank_widths = torch.diff(self._bank_edges)
        self._spectra = torch.from_numpy(bank.spectra)
        self._classes = torch.from_numpy(bank.classes)
        self._rows_per_machine = len(bank.classes) // len(bank.instruments)
        order = np.argsort(bank.classes, kind="stable")
        self._rows_by_class = torch.from_numpy(order)
        sizes = np.bincount(bank.classes, minlength=len(bank.labels))
        self._class_sizes = torch.from_numpy(sizes)
        self._class_starts = torch.from_numpy(np.concatenate([[0], np.cumsum(sizes)[:-1]]))
        self._generator = torch.Generator().manual_seed(seed)

    @staticmethod
    def _check_reach(
        bank: SpectrumBank, conditions: MeasurementRange, edges_keV: NDArray[np.float64]
    ) -> None:
        low = (edges_keV[0] - conditions.offset_error_keV) / (1 + conditions.gain_error)
        high = (edges_keV[-1] + conditions.offset_error_keV) / (1 - conditions.gain_error)
        if low < bank.edges_keV[0] or high > bank.edges_keV[-1]:
            raise InvalidValueError(
                f"The axis and its shifts reach from {low:.3f} to {high:.3f} keV.",
                expected=f"inside the bank's {bank.edges_keV[0]:.3f} to "
                f"{bank.edges_keV[-1]:.3f} keV",
            )

    def sample(self, count: int) -> Draw:
        """Draw the parameters of `count` measurements."""

        def uniform() -> Tensor:
            return torch.rand(count, generator=self._generator, dtype=torch.float64)

        chosen = (uniform() * len(self._class_sizes)).long()
        within = (uniform() * self._class_sizes[chosen]).long()
        low, high = np.log(self.conditions.counts)
        first = self._rows_by_class[self._class_starts[chosen] + within]
        rows, shares = self._mix(first, uniform)
        return Draw(
            rows=rows,
            shares=shares,
            gains=1 + self.conditions.gain_error * (2 * uniform() - 1),
            offsets_keV=self.conditions.offset_error_keV * (2 * uniform() - 1),
            totals=torch.exp(low + (high - low) * uniform()),
            bragg=sample_bragg(self.conditions.bragg_probability, uniform, self._generator),
        )

    def _mix(self, first: Tensor, uniform: Callable[[], Tensor]) -> tuple[Tensor, Tensor]:
        """Add other minerals, measured on the same machine as the first."""
        machine = first - first % self._rows_per_machine
        others = [(uniform() * self._rows_per_machine).long() + machine for _ in range(MIXED_WITH)]
        mixed = uniform() < self.conditions.mixed_probability
        foreign = self.conditions.mixed_share * uniform() * mixed
        parts = torch.stack([uniform() for _ in range(MIXED_WITH)], dim=1)
        parts = parts / parts.sum(dim=1, keepdim=True).clamp_min(1e-9)
        shares = torch.cat([(1 - foreign)[:, None], foreign[:, None] * parts], dim=1)
        return torch.stack([first, *others], dim=1), shares

    def expected(self, draw: Draw) -> Tensor:
        """Expected counts on the model's axis, shifted as drawn, shape (batch, bin).

        A line of true energy E is recorded at ``gain E + offset``, so a bin of the axis holds what
        the spectrum has between ``(edge - offset) / gain`` of its edges.
        """
        edges = (self._edges[None, :] - draw.offsets_keV[:, None]) / draw.gains[:, None]
        position = torch.searchsorted(self._bank_edges, edges.contiguous(), right=True) - 1
        position = position.clamp(0, self._bank_widths.numel() - 1)
        inside = (edges - self._bank_edges[position]) / self._bank_widths[position]
        spectra = self._mixed_spectra(draw)
        cumulative = torch.cumsum(spectra, dim=1)
        below = torch.gather(cumulative, 1, position) - torch.gather(spectra, 1, position) * (
            1 - inside.to(torch.float32)
        )
        shares = torch.diff(below, dim=1).clamp_min(0)
        if self.conditions.bragg_probability > 0:
            shares = add_bragg(shares, draw.bragg, self._edges, self._fwhm_keV)
        shares = shares / shares.sum(dim=1, keepdim=True)
        return shares * draw.totals[:, None].to(torch.float32)

    def _fwhm_keV(self, energies_keV: Tensor) -> Tensor:
        detector = self.bank.instruments[0].detector
        statistical = fano_term_from_factor(fano=detector.fano)
        return torch.sqrt(detector.noise_keV**2 + statistical * energies_keV)

    def _mixed_spectra(self, draw: Draw) -> Tensor:
        spectra = self._spectra[draw.rows[:, 0]] * draw.shares[:, :1].float()
        mixed = draw.shares[:, 0] < 1
        for other in range(1, draw.rows.shape[1]):
            weight = draw.shares[mixed, other, None].float()
            spectra[mixed] += weight * self._spectra[draw.rows[mixed, other]]
        return spectra

    def batch(self) -> SpectrumBatch:
        """Return the next batch."""
        draw = self.sample(self.batch_size)
        counts = torch.poisson(self.expected(draw), generator=self._generator)
        return SpectrumBatch(counts, self._classes[draw.rows[:, 0]], draw)

    def __iter__(self) -> Iterator[SpectrumBatch]:
        while True:
            yield self.batch()
