"""Orientations of a phantom's grains, and the Bragg peaks that follow from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from lithoscope.core.instrument import Instrument
from lithoscope.core.mineral import Mineral
from lithoscope.physics.grain_peaks import GrainPeaks
from lithoscope.synthesis.phantoms.grain_chemistry import GrainChemistry

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Orientations of one mineral in one phantom; beyond these, grains share orientations, so that
# time and memory do not grow with their number.
_MOST_OF_A_MINERAL = 150


@dataclass(frozen=True, eq=False)
class Crystals:
    """Crystals, each in one orientation.

    Parameters
    ----------
    names
        Mineral of each crystal.
    quaternions
        Rotation from the crystal's frame to the instrument's (x, y, z, w), shape (crystal, 4).
    of_grains
        Crystal of each grain, shape (grain,); -1 for what is no crystal, or has no known cell.
    examples
        A grain of each crystal, shape (crystal,).
    """

    names: tuple[str, ...]
    quaternions: FloatArray
    of_grains: IntArray
    examples: IntArray


def draw_crystals(
    names: Sequence[str], minerals: Mapping[str, Mineral], rng: np.random.Generator
) -> Crystals:
    """Draw an orientation for every grain, uniform over all."""
    labels = np.array(names)
    of_grains = np.full(labels.size, -1)
    crystals: list[str] = []
    examples: list[int] = []
    for name in sorted(set(names) & set(minerals)):
        if minerals[name].cell is None:
            continue
        grains = np.flatnonzero(labels == name)
        count = min(grains.size, _MOST_OF_A_MINERAL)
        of_grains[grains] = len(crystals) + rng.permutation(np.arange(grains.size) % count)
        examples += [
            int(grains[of_grains[grains] == len(crystals) + number][0]) for number in range(count)
        ]
        crystals += [name] * count
    if not crystals:
        return Crystals((), np.empty((0, 4)), of_grains, np.empty(0, dtype=np.int64))
    quaternions = Rotation.random(len(crystals), rng=rng).as_quat()
    return Crystals(tuple(crystals), quaternions, of_grains, np.array(examples))


def peaks_of_crystals(
    crystals: Crystals,
    minerals: Mapping[str, Mineral],
    chemistry: GrainChemistry,
    instrument: Instrument,
) -> NDArray[np.float32]:
    """Expected Bragg counts per second, shape (detector, crystal + 1, channel).

    Absorption is that of the core of one of the crystal's grains. The last crystal has no peaks,
    so that index -1 means none here too.
    """
    peaks = GrainPeaks(instrument)
    shape = (instrument.geometry.detectors, len(crystals.names) + 1, peaks.channels)
    counts = np.zeros(shape, dtype=np.float32)
    turns = Rotation.from_quat(crystals.quaternions).as_matrix() if crystals.names else ()
    compositions = {
        row: chemistry.composition(row) for row in set(chemistry.first[crystals.examples].tolist())
    }
    for number, (name, turn) in enumerate(zip(crystals.names, turns, strict=True)):
        row = int(chemistry.first[crystals.examples[number]])
        counts[:, number] = peaks.counts(
            mineral=minerals[name], composition=compositions[row], orientation=turn
        )
    return counts
