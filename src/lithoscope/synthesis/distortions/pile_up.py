"""Pile-up: two photons at once, counted as one of their summed energy."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.core.rebin import rebin_matrix
from lithoscope.synthesis.distortions.base import Draws, Parameters, SpectrumDistortion
from lithoscope.synthesis.expected import ExpectedBatch, Machine

# Input count rates, log-uniform between these; the upper one grows with each step of severity.
# XFlash detectors are run at 10 000 to 275 000 counts per second.
_LOWEST_PER_S, _HIGHEST_PER_S = 5e3, 5e4
# A pulse processor's dead time per count, by which the real time exceeds the live time.
_DEAD_TIME_S = 1e-6
# Pulse-pair resolution of an instrument whose description has none.
_USUAL_NS = 100.0
# Share of spectra from which the maker's software has taken pile-up out, for each step of severity:
# measured Ti, Cr and S show none of their sum peaks (docs/sim-to-real.md).
_TAKEN_OUT = 0.1
# Sums of two photons are wider than any line: these steps lose nothing.
_STEP_KEV, _STEPS = 0.04, 1024


def pulse_pair_resolution(machine: Machine) -> NDArray[np.float64]:
    """Pulse-pair resolution in s, shape (1,)."""
    own = machine.compiled.instrument.detector.pulse_pair_resolution_ns
    return np.array([(own or _USUAL_NS) * 1e-9])


def onto_even_steps(edges_keV: NDArray[np.float64]) -> scipy.sparse.csr_array:
    """Share of each bin in each step, shape (bin, step); what lies below zero is left out."""
    steps = np.arange(_STEPS + 1) * _STEP_KEV
    return rebin_matrix(from_edges_keV=edges_keV, to_edges_keV=steps)


def from_even_steps(edges_keV: NDArray[np.float64]) -> scipy.sparse.csr_array:
    """Share of each step in each bin, shape (step, bin)."""
    # Two photons in the middles of their steps sum to the upper edge of a step.
    steps = (np.arange(_STEPS + 1) + 0.5) * _STEP_KEV
    return rebin_matrix(from_edges_keV=steps, to_edges_keV=edges_keV)


def piled_share(parameters: Parameters, batch: ExpectedBatch) -> Tensor:
    """Share of each spectrum's photons that meet another, shape (batch, 1)."""
    pairs_s = batch.table(pulse_pair_resolution)[:, 0]
    left = 1 - parameters["taken_out"]
    return -torch.expm1(-2 * left * parameters["counts_per_s"] * pairs_s)[:, None]


class PileUp(SpectrumDistortion):
    """Count rates up to 50 000 times severity per second.

    The first order of `physics.pileup.pileup_from_rates`: of n counts per second and a pulse-pair
    resolution t, the share ``1 - exp(-2 n t)`` meets another. Of `10 % severity` of the spectra
    software has taken it out. Dead time only lengthens the real time in which the counts of a live
    second come together; it is recorded and changes nothing.
    """

    name: ClassVar[str] = "pile_up"
    summary: ClassVar[str] = "pile-up and dead time"

    def sample(self, batch: ExpectedBatch, draws: Draws) -> dict[str, Tensor]:
        """Draw the rate per second, from it the share of dead time, and whether it is taken out."""
        reach = float(np.log(_HIGHEST_PER_S * max(self.severity, 1.0) / _LOWEST_PER_S))
        rate = _LOWEST_PER_S * torch.exp(draws.uniform() * reach)
        return {
            "counts_per_s": rate,
            "dead_share": -torch.expm1(-rate * _DEAD_TIME_S),
            "taken_out": draws.happens(_TAKEN_OUT * self.severity).to(rate.dtype),
        }

    def apply(self, spectra: Tensor, parameters: Parameters, batch: ExpectedBatch) -> Tensor:
        """Let photons meet."""
        if self.severity == 0:
            return spectra
        total = spectra.sum(dim=1, keepdim=True)
        piled = piled_share(parameters, batch)
        even = batch.generation.operated(spectra / total, onto_even_steps)
        waves = torch.fft.rfft(even, n=2 * _STEPS, dim=1)
        sums = torch.fft.irfft(waves**2, n=2 * _STEPS, dim=1)[:, :_STEPS].clamp_min(0)
        landed = batch.generation.operated(sums.contiguous(), from_even_steps)
        return spectra * (1 - piled) + piled / 2 * total * landed
