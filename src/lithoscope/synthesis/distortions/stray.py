"""Lines of the instrument's own parts, which the sample's radiation excites."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np
import xraylib
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.core.elements import atomic_number
from lithoscope.physics.own_signals import stray_from_counts
from lithoscope.synthesis.distortions.base import Draws, Parameters, SpectrumDistortion
from lithoscope.synthesis.expected import ExpectedBatch, Machine

# Most that an instrument's own lines exceed what its description says, for each step of severity:
# at 2 they are between nothing and twice of what two machines showed.
_FACTOR = 1.0
# Lines that a machine may have; more than any described one has.
_MOST_LINES = 4


def stray_lines_of_machine(machine: Machine) -> NDArray[np.float64]:
    """Counts of each stray line per count above its edge, shape (line, bin)."""
    compiled, edges = machine.compiled, machine.compiled.edges_keV
    lines = np.zeros((_MOST_LINES, edges.size - 1))
    for row, stray in enumerate(compiled.instrument.stray_lines[:_MOST_LINES]):
        one = np.zeros(edges.size - 1)
        one[-1] = 1.0
        alone = dataclasses.replace(compiled.instrument, stray_lines=(stray,))
        lines[row] = stray_from_counts(counts=one, instrument=alone, edges_keV=edges)
    return lines


def bins_above_edges(machine: Machine) -> NDArray[np.float64]:
    """Which bins lie above the K edge of each stray line's element, shape (line, bin)."""
    edges = machine.compiled.edges_keV
    above = np.zeros((_MOST_LINES, edges.size - 1))
    for row, stray in enumerate(machine.compiled.instrument.stray_lines[:_MOST_LINES]):
        edge = float(xraylib.EdgeEnergy(atomic_number(stray.element), xraylib.K_SHELL))
        above[row] = edges[:-1] > edge
    return above


class Stray(SpectrumDistortion):
    """Each of the instrument's stray lines, from nothing to `severity` times its description."""

    name: ClassVar[str] = "stray"
    summary: ClassVar[str] = "lines of the instrument's own parts"

    def sample(self, batch: ExpectedBatch, draws: Draws) -> dict[str, Tensor]:
        """Draw the strength of each line, shape (batch, line)."""
        return {"strength": draws.uniform(_MOST_LINES, high=_FACTOR * self.severity)}

    def apply(self, spectra: Tensor, parameters: Parameters, batch: ExpectedBatch) -> Tensor:
        """Add the lines."""
        if self.severity == 0:
            return spectra
        lines = batch.generation.stacked(stray_lines_of_machine)
        above = batch.generation.stacked(bins_above_edges)
        result = spectra.clone()
        for number in range(len(batch.generation.machines)):
            own = batch.machines == number
            exciting = spectra[own] @ above[number].T
            result[own] += (parameters["strength"][own] * exciting) @ lines[number]
        return result
