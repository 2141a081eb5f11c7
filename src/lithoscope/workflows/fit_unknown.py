"""Fit a model's detector of the unknown."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.core.labels import Group, LabelSet
from lithoscope.core.mineral import Mineral
from lithoscope.evaluation.by_counts import COUNT_LEVELS
from lithoscope.inference.predict import Scorer
from lithoscope.inference.unknown.base import Seen
from lithoscope.inference.unknown.combined import Combined
from lithoscope.inference.unknown.strangeness import stored_detector
from lithoscope.models.checkpoint import Checkpoint
from lithoscope.physics.model_error import relative_model_error_from_energies
from lithoscope.synthesis.generations import GenerationSize
from lithoscope.synthesis.surrogates import stretched_spectra, surrogate_minerals
from lithoscope.workflows.model_spectra import ModelSpectra

# Added to the recipe's seed, for spectra that nothing else has seen.
_KNOWN_SEED, _SURROGATE_SEED, _SCORED_SEED = 9_000_011, 9_100_003, 9_200_009
# Made-up compositions, expected spectra of them and of what is known, and how often each is
# measured anew with other counts. Known spectra are of as many machines as those of a calibration:
# thresholds from sixteen were twice too high, for one of them. Surrogates are of few, since with
# all their elements each takes a second to compile.
_COMPOSITIONS, _SURROGATES, _KNOWN, _TIMES = 1600, 9_216, 12_288, 6
_SCORED = 16_384
_BATCH, _MACHINES, _SURROGATE_MACHINES = 2048, 32, 8
_PER_CLASS = 100
_ERROR_NODES = 24
# Every fifth composition of surrogates is left for the weights of the combination.
_HELD_OUT = 5
_STRETCHED_OF = 10

Progress = Callable[[str, int, int, str], None]


@dataclass(frozen=True, eq=False)
class Expected:
    """Expected spectra, whose counts are drawn as often as needed.

    Parameters
    ----------
    shares
        Expected share of each bin, shape (spectrum, bin); rows have sum one where no channel is
        dead.
    classes
        Classes of the labels they were drawn with, shape (spectrum,).
    """

    shares: Tensor
    classes: Tensor

    def __len__(self) -> int:
        return len(self.shares)


def expected_spectra(
    spectra: ModelSpectra,
    strangers: Sequence[Mineral],
    *,
    count: int,
    seed: int,
    machines: int,
    advanced: Callable[[int], None] = lambda done: None,
) -> Expected:
    """Return expected spectra of what a model knows, or of strangers on the same machines.

    Both come under the condition that the model was trained for; strangers are mixed with other
    strangers and with what is known. Few strangers are drawn about as often as known classes.

    Parameters
    ----------
    spectra
        What the model knows.
    strangers
        Minerals that it does not; none for known spectra. Classes are then places among them.
    count
        Spectra, at least.
    seed
        Added to the recipe's.
    machines
        Machines for every 2 048 spectra, the recipe's for tests at most.
    advanced
        Called with the spectra made.
    """
    known = len(spectra.labels)
    # Classes come equally often: few strangers are each several of them.
    copies = [
        dataclasses.replace(one, name=f"{one.name} {copy}")
        for copy in range(-(-known // len(strangers)) if strangers else 0)
        for one in strangers
    ]
    labels = LabelSet((*spectra.labels, *(Group((one.name,)) for one in copies)))
    both = dataclasses.replace(spectra, minerals=[*spectra.minerals, *copies], labels=labels)
    condition = spectra.recipe.measured_under()
    batch_size, machines = min(_BATCH, count), min(machines, spectra.recipe.test_machines)
    size = GenerationSize(machines, -(-batch_size // machines), machines)
    stream = both.stream(condition, seed=seed, batch_size=batch_size, size=size)
    stream = stream.at(condition.counts[1])
    shares: list[Tensor] = []
    classes: list[Tensor] = []
    made = 0
    for batch in stream:
        kept = batch.classes >= known if strangers else batch.classes >= 0
        shares.append(batch.expected[kept] / condition.counts[1])
        own = batch.classes[kept]
        classes.append((own - known) % len(strangers) if strangers else own)
        made += len(classes[-1])
        advanced(min(made, count))
        if made >= count:
            break
    return Expected(torch.cat(shares)[:count], torch.cat(classes)[:count])


def seen_at(
    scorer: Scorer, shares: Tensor, counts: float | Tensor, generator: torch.Generator
) -> Seen:
    """Draw counts of expected shares, and apply the network.

    Parameters
    ----------
    scorer
        The model's network.
    shares
        As of `Expected`, shape (spectrum, bin).
    counts
        Total counts of all, or of each, shape (spectrum, 1).
    generator
        Source of randomness.
    """
    drawn = torch.poisson(shares * counts, generator=generator)
    return Seen(drawn, *scorer.features_and_logits(drawn))


def with_detector(
    checkpoint: Checkpoint,
    spectra: ModelSpectra,
    progress: Progress = lambda stage, done, total, note: None,
    *,
    count: int | None = None,
    levels: Sequence[float] = COUNT_LEVELS,
) -> Checkpoint:
    """Return a model with a detector of the unknown, fitted to its network.

    `Combined` is fitted to known and made-up spectra with counts over all that the model is for;
    what other known spectra score, on other machines, gives its weights and the thresholds.

    Parameters
    ----------
    checkpoint
        The model; what detector it has is replaced.
    spectra
        Where known spectra come from.
    progress
        Called with stage, spectra done, spectra in all and a remark.
    count
        Known spectra to fit to; 12 288 when left out, and at most 100 of each class. Surrogates and
        spectra for thresholds go with them.
    levels
        Total counts for thresholds.
    """
    fitting = detector_data(checkpoint, spectra, progress, count=count)
    progress("unknown: fit", 0, 1, "")
    fitted = fitting.combined(levels)
    found = stored_detector(fitted, fitting.for_thresholds(levels))
    progress("unknown: fit", 1, 1, "")
    return dataclasses.replace(checkpoint, detector=found)


def detector_data(
    checkpoint: Checkpoint,
    spectra: ModelSpectra,
    progress: Progress = lambda stage, done, total, note: None,
    *,
    count: int | None = None,
) -> DetectorFitting:
    """Return what detectors of a model are fitted to; parameters as of `with_detector`."""
    count = count or min(_KNOWN, _PER_CLASS * len(checkpoint.labels))
    share = count / _KNOWN
    known, strange, scored = (
        _made(spectra, kind, max(256, round(share * total)), progress)
        for kind, total in (("known", _KNOWN), ("surrogates", _SURROGATES), ("scored", _SCORED))
    )
    return DetectorFitting(checkpoint, known, strange, scored)


class DetectorFitting:
    """What detectors of a model are fitted to, split so that no spectrum serves twice.

    Surrogates of every fifth composition and the first quarter of the spectra for thresholds give
    the weights of the combination; the rest gives its thresholds. Known spectra on a false energy
    scale are surrogates too.

    Parameters
    ----------
    checkpoint
        The model.
    known, strange, scored
        Expected spectra of what it knows, of surrogates, and of what it knows on other machines.
    """

    def __init__(
        self, checkpoint: Checkpoint, known: Expected, strange: Expected, scored: Expected
    ) -> None:
        self._model, self._scorer = checkpoint, Scorer(checkpoint)
        self._generator = torch.Generator().manual_seed(0)
        held = strange.classes % _HELD_OUT == 0
        first = len(scored) // 4
        self._first, self._second = scored.shares[:first], scored.shares[first:]
        self._held = torch.cat([strange.shares[held], self._stretched(self._first)])
        self.known = self._drawn(known.shares)
        self.classes = known.classes.repeat(_TIMES)
        made_up = torch.cat([strange.shares[~held], self._stretched(known.shares)])
        self.surrogates = self._drawn(made_up)

    def combined(self, levels: Sequence[float]) -> Combined:
        """Return the combination, fitted and weighed."""
        edges = self._model.axis.edges_keV
        parts = Combined.on_axis(edges).fit(self.known, self.classes, self.surrogates)
        return parts.fit_weights(
            self._at_levels(self._first, levels), self._at_levels(self._held, levels)
        )

    def for_thresholds(self, levels: Sequence[float]) -> dict[float, Seen]:
        """Return known spectra to which nothing was fitted, by total counts."""
        return self._at_levels(self._second, levels)

    def _stretched(self, shares: Tensor) -> Tensor:
        """Known spectra on a false energy scale, one for every tenth."""
        some = shares[::_STRETCHED_OF].numpy()
        rng = np.random.default_rng(0)
        return torch.from_numpy(stretched_spectra(some, self._model.axis.edges_keV, rng))

    def _at_levels(self, shares: Tensor, levels: Sequence[float]) -> dict[float, Seen]:
        return {
            float(level): seen_at(self._scorer, shares, level, self._generator) for level in levels
        }

    def _drawn(self, shares: Tensor) -> Seen:
        """Counts over all that the model is for, off by the simulator's own error."""
        low, high = np.log(self._model.condition.counts)
        parts = []
        for _ in range(_TIMES):
            log = low + (high - low) * torch.rand(len(shares), 1, generator=self._generator)
            off = off_by_model_error(shares, self._model.axis.edges_keV, self._generator)
            parts.append(seen_at(self._scorer, off, torch.exp(log).float(), self._generator))
        return Seen.joined(parts)


def off_by_model_error(
    shares: Tensor, edges_keV: NDArray[np.float64], generator: torch.Generator
) -> Tensor:
    """Return expected spectra that are off as the simulator is off reality.

    ``m_j exp(u epsilon(E_j) g(E_j))``: g is a standard normal at 24 energies, evenly over the
    logarithm, and a line in between; u is uniform from 0 to 1 for each spectrum.

    Parameters
    ----------
    shares
        Shape (spectrum, bin).
    edges_keV
        Shape (bin + 1,).
    generator
        Source of randomness.
    """
    centres = (edges_keV[1:] + edges_keV[:-1]) / 2
    error = relative_model_error_from_energies(energies_keV=centres)
    nodes = np.linspace(np.log(centres[0]), np.log(centres[-1]), _ERROR_NODES)
    hats = np.stack([np.interp(np.log(centres), nodes, row) for row in np.eye(_ERROR_NODES)])
    normal = torch.randn(len(shares), _ERROR_NODES, generator=generator)
    size = torch.rand(len(shares), 1, generator=generator)
    return shares * torch.exp(size * (normal @ torch.from_numpy(hats * error).float()))


def _made(spectra: ModelSpectra, kind: str, count: int, progress: Progress) -> Expected:
    strangers: Sequence[Mineral] = ()
    seed, machines = (_KNOWN_SEED if kind == "known" else _SCORED_SEED), _MACHINES
    if kind == "surrogates":
        rng = np.random.default_rng([spectra.recipe.seed, _SURROGATE_SEED])
        number = max(8, round(_COMPOSITIONS * count / _SURROGATES))
        strangers = surrogate_minerals(spectra.minerals, number, rng)
        seed, machines = _SURROGATE_SEED, _SURROGATE_MACHINES
    return expected_spectra(
        spectra,
        strangers,
        count=count,
        seed=seed,
        machines=machines,
        advanced=lambda done: progress(f"unknown: {kind}", done, count, ""),
    )
