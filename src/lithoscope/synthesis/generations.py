"""Generations of expected spectra: made on the fly, one after the other, none twice.

What a generation holds depends on the seed and its number alone, so that training can go on from
any of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.core.instrument import Instrument
from lithoscope.core.labels import LabelSet
from lithoscope.core.mineral import Mineral
from lithoscope.errors import InvalidValueError
from lithoscope.synthesis.compositions import Grains, sample_grains, symbols_of_minerals
from lithoscope.synthesis.distortions.base import (
    Distortion,
    MachineDistortion,
    SurfaceDistortion,
)
from lithoscope.synthesis.expected import Generation, Machine, Operator
from lithoscope.synthesis.line_truth import LineTruth
from lithoscope.synthesis.machines import draw_machine
from lithoscope.synthesis.planes import spacings_of_planes
from lithoscope.synthesis.surface import Surface

# Compositions are drawn for so many generations at once: each mineral costs a millisecond, however
# few compositions it gives.
_AT_ONCE = 4
# Streams of random numbers, each with a number of its own.
_MACHINES, _GRAINS, _SURFACES, _ORDER = 1, 2, 3, 4


@dataclasses.dataclass(frozen=True)
class GenerationSize:
    """What a generation holds.

    Parameters
    ----------
    machines
        Machines.
    per_machine
        Spectra of each.
    renewed
        Machines that the next generation replaces by others, drawn anew; the oldest go first.
    pure_share
        Share of its grains without traces, as for `minerals.sampling.sample_mass_fractions`.
    """

    machines: int = 24
    per_machine: int = 1024
    renewed: int = 3
    pure_share: float = 0.0

    def __post_init__(self) -> None:
        if min(self.machines, self.per_machine, self.renewed) < 1:
            raise InvalidValueError(f"A generation of {self}.", expected="at least one of each")
        if not 0 <= self.pure_share <= 1:
            raise InvalidValueError(
                f"A share of {self.pure_share} without traces.", expected="0 to 1"
            )


class GenerationMaker:
    """Makes generations of spectra of some minerals on some instruments.

    Parameters
    ----------
    minerals
        The members of all classes.
    labels
        The classes.
    instruments
        As their makers describe them; machines are drawn of each in turn.
    distortions
        What may differ from ideal; those of machines and surfaces act here.
    edges_keV
        Edges of the fine bins, shape (bin + 1,).
    counted
        Which share of each bin is inside the target's axis, shape (bin,): rows have sum one there.
    size
        How much a generation holds; where no distortion changes machines, each instrument is one
        machine, and the number of spectra stays.
    seed
        Seed of all that is drawn.
    device
        Where the tensors go.
    truth
        Gives the net counts of lines, where they are wanted.
    left_out
        Parts of the physics that are left out, see `physics.simplified`.
    """

    def __init__(
        self,
        minerals: Sequence[Mineral],
        labels: LabelSet,
        instruments: Sequence[Instrument],
        distortions: Sequence[Distortion],
        edges_keV: NDArray[np.float64],
        counted: NDArray[np.float64],
        *,
        size: GenerationSize,
        seed: int,
        device: torch.device,
        truth: LineTruth | None = None,
        left_out: Collection[str] = (),
    ) -> None:
        self.minerals, self.labels = tuple(minerals), labels
        self.instruments = tuple(instruments)
        self.distortions = tuple(distortions)
        self.edges_keV, self.counted = edges_keV, counted
        self.symbols = symbols_of_minerals(self.minerals)
        self.seed, self.device, self.truth = seed, device, truth
        self._left_out = tuple(left_out)
        self._varied = any(isinstance(one, MachineDistortion) for one in distortions)
        total = size.machines * size.per_machine
        self.machines = size.machines if self._varied else len(self.instruments)
        self.per_machine = -(-total // self.machines)
        self._renewed, self._pure_share = size.renewed, size.pure_share
        spacings = np.array([spacings_of_planes(mineral) for mineral in self.minerals])
        self._spacings = torch.from_numpy(spacings.astype(np.float32)).to(device)
        self._operators: dict[Operator, Tensor] = {}
        self._known_machines: dict[int, Machine] = {}
        self._grains: tuple[int, Grains] | None = None
        self._latest: tuple[int, Generation, Tensor] | None = None

    def __len__(self) -> int:
        """Spectra in a generation."""
        return self.machines * self.per_machine

    def latest(self, number: int) -> tuple[Generation, Tensor]:
        """Return the generation of this number and its order; the one asked for last is kept.

        Streams that differ in their counts alone share a maker, and so its generations.
        """
        if self._latest is None or self._latest[0] != number:
            # The old one goes before the new one comes: they are large.
            self._latest = None
            self._latest = (number, self.make(number), self.order(number))
        return self._latest[1:]

    def make(self, number: int) -> Generation:
        """Make the generation of this number."""
        grains = self._grains_of(number)
        machines = self._machines_of(number)
        spectra = np.empty((len(self), self.edges_keV.size - 1), dtype=np.float32)
        rates, sines, drawn = np.empty(len(self)), np.empty((len(self), 2)), []
        lines = None if self.truth is None else np.empty((len(self), len(self.truth)))
        for place, machine in enumerate(machines):
            part = slice(place * self.per_machine, (place + 1) * self.per_machine)
            rng = self._rng(_SURFACES, number, place)
            counts, surface, parameters = self._measured(machine, grains.fractions[part], rng)
            seen = counts @ self.counted.astype(np.float32)
            spectra[part] = counts / seen[:, None]
            rates[part] = seen
            if self.truth is not None and lines is not None:
                net = self.truth.of_samples(machine, grains.fractions[part], surface)
                lines[part] = net / seen[:, None]
            angles = np.stack([surface.incidence_deg, surface.take_off_deg], axis=1)
            sines[part] = np.sin(np.deg2rad(angles))
            drawn.append(parameters)
        return Generation(
            machines=machines,
            edges_keV=self._tensor(self.edges_keV),
            counted=self._tensor(self.counted),
            spectra=self._tensor(spectra),
            rates=self._tensor(rates),
            classes=torch.from_numpy(grains.classes).to(self.device),
            minerals=torch.from_numpy(grains.minerals).to(self.device),
            fractions=self._tensor(grains.fractions),
            sines=self._tensor(sines),
            spacings_A=self._spacings,
            surface_parameters=self._joined(drawn),
            operators=self._operators,
            lines=None if lines is None else self._tensor(lines),
        )

    def order(self, number: int) -> Tensor:
        """Return the order in which a generation's spectra are used, shape (spectrum,)."""
        shuffled = self._rng(_ORDER, number).permutation(len(self))
        return torch.from_numpy(shuffled).to(self.device)

    def _measured(
        self, machine: Machine, fractions: NDArray[np.float32], rng: np.random.Generator
    ) -> tuple[NDArray[np.floating], Surface, dict[str, dict[str, NDArray[np.float64]]]]:
        compiled, instrument = machine.compiled, machine.compiled.instrument
        surface = Surface.ideal(len(fractions), compiled.source_keV, instrument.geometry)
        parameters = {}
        for distortion in self.distortions:
            if isinstance(distortion, SurfaceDistortion):
                drawn = distortion.sample(surface, instrument, rng)
                surface = distortion.apply(surface, drawn, instrument)
                parameters[distortion.name] = drawn
        counts = compiled.spectra(
            fractions,
            diffuse_share=surface.diffuse_share,
            mass_thickness_g_cm2=surface.mass_thickness_g_cm2,
            incidence_deg=surface.incidence_deg,
            take_off_deg=surface.take_off_deg,
        )
        return counts, surface, parameters

    def _grains_of(self, number: int) -> Grains:
        block, place = divmod(number, _AT_ONCE)
        if self._grains is None or self._grains[0] != block:
            rng = self._rng(_GRAINS, block)
            count = _AT_ONCE * len(self)
            drawn = sample_grains(
                self.minerals,
                self.labels,
                self.symbols,
                count,
                rng,
                pure_share=self._pure_share,
            )
            self._grains = (block, drawn)
        return self._grains[1].of(slice(place * len(self), (place + 1) * len(self)))

    def _machines_of(self, number: int) -> tuple[Machine, ...]:
        first = number * self._renewed if self._varied else 0
        wanted = range(first, first + self.machines)
        self._known_machines = {
            index: self._known_machines.get(index) or self._machine(index) for index in wanted
        }
        return tuple(self._known_machines.values())

    def _machine(self, index: int) -> Machine:
        return draw_machine(
            self.instruments[index % len(self.instruments)],
            self.distortions,
            self._rng(_MACHINES, index),
            symbols=self.symbols,
            edges_keV=self.edges_keV,
            left_out=self._left_out,
        )

    def _rng(self, *numbers: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, *numbers])

    def _tensor(self, array: NDArray[np.floating]) -> Tensor:
        return torch.from_numpy(np.asarray(array, dtype=np.float32)).to(self.device)

    def _joined(
        self, drawn: Sequence[Mapping[str, Mapping[str, NDArray[np.float64]]]]
    ) -> dict[str, dict[str, Tensor]]:
        """Join what was drawn for each machine's surfaces."""
        return {
            name: {
                key: self._tensor(np.concatenate([part[name][key] for part in drawn]))
                for key in values
            }
            for name, values in drawn[0].items()
        }
