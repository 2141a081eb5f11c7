"""A stream of simulated measurements that never repeats."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.core.instrument import Instrument
from lithoscope.core.labels import LabelSet
from lithoscope.core.mineral import Mineral
from lithoscope.errors import InvalidValueError
from lithoscope.physics.line_groups import LineGroup
from lithoscope.synthesis.compositions import symbols_of_minerals
from lithoscope.synthesis.conditions import Condition
from lithoscope.synthesis.distortions.base import (
    CountsDistortion,
    Draws,
    ElectronicDistortion,
    SpectrumDistortion,
)
from lithoscope.synthesis.distortions.energy import Energy, recorded, true_energies
from lithoscope.synthesis.distortions.poisson import Poisson
from lithoscope.synthesis.expected import ExpectedBatch
from lithoscope.synthesis.fine_bins import counted_share, fine_edges
from lithoscope.synthesis.generations import GenerationMaker, GenerationSize
from lithoscope.synthesis.line_truth import LineTruth

_BATCHES = 5

AllParameters = Mapping[str, Mapping[str, Tensor]]


@dataclass(frozen=True, eq=False)
class SpectrumBatch:
    """Simulated measurements with their truth and how they came about.

    Parameters
    ----------
    counts
        Counts, shape (batch, bin), float32; whole numbers where counting noise acts.
    expected
        What they are Poisson about, shape (batch, bin).
    classes, minerals
        True class, and place in the stream's minerals, shape (batch,), int64.
    fractions
        Mass fractions of the named grain, shape (batch, element), columns as the stream's
        `symbols`.
    totals
        Expected total counts, shape (batch,).
    parameters
        Everything drawn, by distortion and name, shapes (batch, ...).
    lines
        Expected net counts of the stream's `line_groups`, shape (batch, group); None where they
        were not asked for.
    """

    counts: Tensor
    expected: Tensor
    classes: Tensor
    minerals: Tensor
    fractions: Tensor
    totals: Tensor
    parameters: Mapping[str, Mapping[str, Tensor]]
    lines: Tensor | None = None

    def __len__(self) -> int:
        return len(self.classes)


class SpectrumStream:
    """Endless batches of simulated measurements, balanced over classes, each seen once.

    Batch number i depends on the seed and i alone.

    Parameters
    ----------
    minerals
        The members of all classes.
    labels
        The classes.
    instruments
        The instruments; their energy axes play no part.
    condition
        Distortions and counts; ``CONDITIONS["ideal"]`` gives noise-free expected counts.
    edges_keV
        Bin edges of the target's axis, shape (bin + 1,).
    batch_size
        Spectra in a batch.
    seed
        Seed of everything drawn.
    size
        How much is made at once; compositions and machines come together in its blocks.
    device
        Where batches are made; expected spectra are computed on the CPU.
    shard
        (k, n): this is the k-th of n workers, which share the generations among them.
    lines
        Whether batches tell the net counts of lines, see `synthesis.line_truth`.
    left_out
        Parts of the physics that are left out, see `physics.simplified`.
    """

    def __init__(
        self,
        minerals: Sequence[Mineral],
        labels: LabelSet,
        instruments: Sequence[Instrument],
        condition: Condition,
        edges_keV: NDArray[np.float64],
        *,
        batch_size: int,
        seed: int,
        size: GenerationSize | None = None,
        device: str | torch.device = "cpu",
        shard: tuple[int, int] = (0, 1),
        lines: bool = False,
        left_out: Collection[str] = (),
    ) -> None:
        if batch_size < 1:
            raise InvalidValueError(f"Batches of {batch_size}.", expected="1 or more spectra")
        if not 0 <= shard[0] < shard[1]:
            raise InvalidValueError(f"Worker {shard[0]} of {shard[1]}.", expected="0 <= k < n")
        self.minerals, self.labels, self.condition = tuple(minerals), labels, condition
        self.batch_size, self.seed, self.shard = batch_size, seed, shard
        self.device = torch.device(device)
        self._energy = next((one for one in condition.distortions if isinstance(one, Energy)), None)
        self._noise = next((one for one in condition.distortions if isinstance(one, Poisson)), None)
        ends = float(edges_keV[0]), float(edges_keV[-1])
        low, high = self._energy.reach(*ends) if self._energy else ends
        fine = fine_edges(edges_keV, low_keV=low, high_keV=high, detector=instruments[0].detector)
        self.edges_keV = torch.from_numpy(np.asarray(edges_keV, dtype=np.float32)).to(self.device)
        size = size or GenerationSize()
        enough = -(-batch_size // size.machines)
        counted = counted_share(fine, edges_keV)
        symbols, distortions = symbols_of_minerals(self.minerals), condition.distortions
        self._truth = (
            LineTruth.of_instruments(instruments, symbols, fine, counted, distortions)
            if lines
            else None
        )
        self.maker = GenerationMaker(
            minerals,
            labels,
            instruments,
            distortions,
            fine,
            counted,
            size=dataclasses.replace(size, per_machine=max(size.per_machine, enough)),
            seed=seed,
            device=self.device,
            truth=self._truth,
            left_out=left_out,
        )
        self._per_generation = len(self.maker) // batch_size

    @property
    def symbols(self) -> tuple[str, ...]:
        """Elements of a batch's `fractions`."""
        return self.maker.symbols

    @property
    def line_groups(self) -> tuple[LineGroup, ...]:
        """Columns of a batch's `lines`; none where they were not asked for."""
        return () if self._truth is None else self._truth.groups

    def batch(self, number: int) -> SpectrumBatch:
        """Make the batch of this number."""
        turn, place = divmod(number, self._per_generation)
        generation, order = self.maker.latest(turn * self.shard[1] + self.shard[0])
        rows = order[place * self.batch_size : (place + 1) * self.batch_size]
        return self.measure(ExpectedBatch(generation, rows), self._draws(number))

    def at(self, counts: float) -> SpectrumStream:
        """Return the same stream, of the same grains, at one count level."""
        stream = copy.copy(self)
        stream.condition = self.condition.at(counts)
        return stream

    def batches(self, first: int = 0) -> Iterator[SpectrumBatch]:
        """Yield batches without end, from a number on."""
        while True:
            yield self.batch(first)
            first += 1

    def __iter__(self) -> Iterator[SpectrumBatch]:
        return self.batches()

    def measure(self, batch: ExpectedBatch, draws: Draws) -> SpectrumBatch:
        """Measure expected spectra: draw every parameter, apply it, and count."""
        parameters = self._drawn_before(batch)
        for distortion in self.condition.distortions:
            if isinstance(distortion, SpectrumDistortion):
                parameters[distortion.name] = distortion.sample(batch, draws)
            elif isinstance(distortion, Energy | CountsDistortion | Poisson):
                parameters[distortion.name] = distortion.sample(draws)
        low, high = np.log(self.condition.counts)
        totals = torch.exp(draws.uniform(low=float(low), high=float(high)))
        expected, counts, lines = self._applied(batch, parameters, totals)
        generation = batch.generation
        return SpectrumBatch(
            counts=counts,
            expected=expected,
            classes=generation.classes[batch.rows],
            minerals=generation.minerals[batch.rows],
            fractions=generation.fractions[batch.rows],
            totals=totals,
            parameters=parameters,
            lines=lines,
        )

    def apply(
        self, batch: ExpectedBatch, parameters: AllParameters, totals: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Apply drawn parameters: expected counts on the target axis, and counts."""
        return self._applied(batch, parameters, totals)[:2]

    def _applied(
        self, batch: ExpectedBatch, parameters: AllParameters, totals: Tensor
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Expected counts, counts, and net counts of lines."""
        generation = batch.generation
        lines = None if generation.lines is None else generation.lines[batch.rows]
        spectra, lines = self._distorted(
            batch.spectra(), batch, parameters, electronic=False, lines=lines
        )
        seen = (spectra @ generation.counted)[:, None]
        spectra, _ = self._distorted(spectra / seen, batch, parameters, electronic=True)
        net = None if lines is None else lines / seen * totals[:, None]
        if self._energy is None:
            true = self.edges_keV.expand(len(batch), -1)
        else:
            true = true_energies(self.edges_keV, parameters[self._energy.name])
        expected = recorded(spectra, batch.edges_keV, true) * totals[:, None]
        for distortion in self.condition.distortions:
            if isinstance(distortion, CountsDistortion):
                expected = distortion.apply(expected, parameters[distortion.name], self.edges_keV)
        if self._noise is None:
            return expected, expected, net
        return expected, self._noise.apply(expected, parameters[self._noise.name]), net

    def _distorted(
        self,
        spectra: Tensor,
        batch: ExpectedBatch,
        parameters: AllParameters,
        *,
        electronic: bool,
        lines: Tensor | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        for distortion in self.condition.distortions:
            if isinstance(distortion, SpectrumDistortion) and electronic is isinstance(
                distortion, ElectronicDistortion
            ):
                drawn = parameters[distortion.name]
                if self._truth is not None and lines is not None:
                    lines = self._truth.after(distortion, lines, spectra, drawn, batch)
                spectra = distortion.apply(spectra, drawn, batch)
        return spectra, lines

    def _drawn_before(self, batch: ExpectedBatch) -> dict[str, Mapping[str, Tensor]]:
        """What was drawn of machines and surfaces, for each spectrum of a batch."""
        generation = batch.generation
        drawn: dict[str, Mapping[str, Tensor]] = {}
        for name in generation.machines[0].parameters:
            drawn[name] = {
                key: self._of_machines(batch, name, key)
                for key in generation.machines[0].parameters[name]
            }
        for name, values in generation.surface_parameters.items():
            drawn[name] = {key: value[batch.rows] for key, value in values.items()}
        return drawn

    def _of_machines(self, batch: ExpectedBatch, name: str, key: str) -> Tensor:
        values = [machine.parameters[name][key] for machine in batch.generation.machines]
        return torch.tensor(values, device=self.device)[batch.machines]

    def _draws(self, number: int) -> Draws:
        entropy = np.random.SeedSequence([self.seed, _BATCHES, *self.shard, number])
        generator = torch.Generator(self.device)
        generator.manual_seed(int(entropy.generate_state(1, np.uint64)[0] >> 1))
        return Draws(self.batch_size, generator)
