"""What a model says of the spectrum that is shown, and what it would expect."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.instrument import Instrument
from lithoscope.core.labels import VOID
from lithoscope.core.spectrum import Spectrum
from lithoscope.inference.predict import Predictor
from lithoscope.minerals import load_library
from lithoscope.physics.simulate import spectrum_from_composition
from lithoscope.viewer.maps import FIRST_KEV

_TOP = 5


@dataclass(frozen=True)
class Answer:
    """What a model says of one spectrum.

    Parameters
    ----------
    ranked
        Label and probability of the most probable groups, the best first; none with too few
        counts.
    unknown
        Whether the spectrum is like nothing the model knows.
    ranking
        All classes that the answer may hold, by falling probability.
    """

    ranked: tuple[tuple[str, float], ...]
    unknown: bool
    ranking: tuple[int, ...] = ()

    @property
    def mineral(self) -> str | None:
        """First member of the best group."""
        return self.ranked[0][0].split("/")[0] if self.ranked else None


@dataclass(frozen=True)
class Explanation:
    """Which minerals explain a spectrum together, and what they leave.

    Parameters
    ----------
    shares
        Label of each group and its share of the area under the beam, the largest first.
    peaks
        Energy in keV of each unexplained peak, and what is said of it.
    """

    shares: tuple[tuple[str, float], ...]
    peaks: tuple[tuple[float, str], ...]


# Of counts on the model's axis, shape (bin,), and classes by falling probability; ``None`` where
# the library lacks a mineral of the model.
Explain = Callable[[NDArray[np.floating], Sequence[int]], Explanation | None]


class Answers:
    """A model, and the instrument whose spectra it is asked about.

    Parameters
    ----------
    predictor
        The model on the scan's axis.
    instrument
        The instrument of the scan.
    axis
        The scan's axis.
    explain
        Finds abundances and unexplained peaks.
    """

    def __init__(
        self, predictor: Predictor, instrument: Instrument, axis: EnergyAxis, explain: Explain
    ) -> None:
        self._predictor = predictor
        self._instrument = dataclasses.replace(instrument, axis=axis)
        self._explain = explain
        self._expected: dict[str, NDArray[np.float64]] = {}

    def __call__(self, spectrum: Spectrum) -> Answer:
        """Name a spectrum."""
        said = self._predictor(spectrum.counts[None, :])
        if said.classes[0] == VOID:
            return Answer((), False)
        probabilities = said.probabilities[0]
        order = np.argsort(-probabilities)[: len(self._predictor.allowed)].tolist()
        labels = self._predictor.checkpoint.labels.labels
        ranked = tuple((labels[index], float(probabilities[index])) for index in order[:_TOP])
        return Answer(ranked, bool(said.unknown[0]), tuple(order))

    def explanation(self, spectrum: Spectrum, answer: Answer) -> Explanation | None:
        """Find abundances and unexplained peaks, which takes seconds.

        ``None`` with too few counts, or where the library lacks a mineral of the model.
        """
        if not answer.ranking:
            return None
        binned = self._predictor.binned(spectrum.counts[None, :])[0]
        return self._explain(binned, answer.ranking)

    def has_expected(self, mineral: str) -> bool:
        """Whether a mineral's expected spectrum was computed before; it takes some 0.4 s."""
        return mineral in self._expected or mineral not in load_library()

    def expected(self, mineral: str, spectrum: Spectrum) -> NDArray[np.float64] | None:
        """Expected counts of a mineral's ideal composition, shape (channel,).

        They are scaled to the spectrum's counts above 0.3 keV. ``None`` where the library does
        not hold the mineral (a model may know others).
        """
        if mineral not in self._expected:
            library = load_library()
            if mineral not in library:
                return None
            self._expected[mineral] = spectrum_from_composition(
                composition=library.get(mineral).composition, instrument=self._instrument
            )
        expected = self._expected[mineral]
        seen = spectrum.axis.energies_keV >= FIRST_KEV
        total = float(expected[seen].sum())
        if total <= 0:
            return None
        return expected * (float(spectrum.counts[seen].sum()) / total)
