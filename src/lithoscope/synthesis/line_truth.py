"""Net counts of each group of lines in simulated spectra: the truth of line intensities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.core.instrument import Instrument
from lithoscope.errors import InvalidValueError
from lithoscope.physics.compile import compile_instrument
from lithoscope.physics.fluorescence import lines_from_elements
from lithoscope.physics.line_groups import LineGroup, counts_per_line_photon, groups_of_lines
from lithoscope.synthesis.distortions.background import Background
from lithoscope.synthesis.distortions.base import Distortion, Parameters, SpectrumDistortion
from lithoscope.synthesis.distortions.contamination import Contamination, visible_elements
from lithoscope.synthesis.distortions.grain_depth import GrainDepth
from lithoscope.synthesis.distortions.mixture import MIXED_WITH, Mixture
from lithoscope.synthesis.distortions.pile_up import PileUp, piled_share
from lithoscope.synthesis.distortions.shadow import Shadow
from lithoscope.synthesis.expected import ExpectedBatch, Machine
from lithoscope.synthesis.surface import Surface

# Groups that give a smaller share of their pure element's counts are not seen: L lines of iron
# below the model's axis leave it their shelf's last channels.
_SEEN_SHARE = 2e-3
# What dims each energy by itself, in bins that lines share: their lines are not known after it.
NO_TRUTH: tuple[type[Distortion], ...] = (GrainDepth, Shadow)


@dataclass(frozen=True, eq=False)
class LineTruth:
    """Expected counts of groups of lines on a target's axis.

    A group's net counts are all that its photons give there: peaks, tails, shelf and escape peaks.
    With what the tube's radiation scatters to the detector they sum to the ideal spectrum.

    Mixtures, foreign elements, resin and pile-up change net counts (of piled photons none are
    left); what adds counts of other origin (Bragg peaks, the instrument's own lines, the zero peak)
    or moves peaks changes at most their share in the total. Counts that a shift of the axis or of
    an escape peak moves over its ends are not followed, nor what dead channels lose.

    Parameters
    ----------
    groups
        The groups that are seen.
    member
        1 where a line belongs to a group, shape (line, group).
    counted
        Share of each fine bin on the target's axis, shape (bin,).
    """

    groups: tuple[LineGroup, ...]
    member: NDArray[np.float64]
    counted: NDArray[np.float64]

    @classmethod
    def of_instruments(
        cls,
        instruments: Sequence[Instrument],
        symbols: Sequence[str],
        edges_keV: NDArray[np.float64],
        counted: NDArray[np.float64],
        distortions: Sequence[Distortion] = (),
    ) -> LineTruth:
        """Choose the groups that one of the instruments sees.

        Parameters
        ----------
        instruments
            As their makers describe them.
        symbols
            Elements of the samples.
        edges_keV, counted
            Edges of the fine bins, and their share on the target's axis.
        distortions
            Those that will act.

        Raises
        ------
        InvalidValueError
            If after one of the distortions net counts are not known.
        """
        for one in distortions:
            if isinstance(one, NO_TRUTH):
                raise InvalidValueError(
                    f"Net counts of lines under the distortion '{one.name}'.",
                    expected="distortions after which they are known, any but "
                    + " and ".join(kind.name for kind in NO_TRUTH),
                    remedy=f"set the severity of '{one.name}' to 0",
                )
        lines = lines_from_elements(symbols=symbols)
        groups, member = groups_of_lines(lines=lines, symbols=tuple(symbols))
        every = cls(groups, member, counted)
        shares = [every._of_pure(one, symbols, edges_keV) for one in instruments]
        kept = np.flatnonzero(np.max(shares, axis=0) >= _SEEN_SHARE)
        return cls(tuple(groups[place] for place in kept), member[:, kept], counted)

    def _of_pure(
        self, instrument: Instrument, symbols: Sequence[str], edges_keV: NDArray[np.float64]
    ) -> NDArray[np.floating]:
        """Share of each group in its pure element's counts, shape (group,)."""
        compiled = compile_instrument(
            instrument=instrument, symbols=symbols, edges_keV=edges_keV, dtype=np.float32
        )
        pure = np.eye(len(symbols))
        net = compiled.line_photons(pure) @ self.per_photon(Machine(compiled))
        owner = [tuple(symbols).index(group.element) for group in self.groups]
        return np.asarray(net.max(axis=0) / (compiled.spectra(pure) @ self.counted)[owner])

    def __len__(self) -> int:
        return len(self.groups)

    def per_photon(self, machine: Machine) -> NDArray[np.float32]:
        """Counts of each group for a photon of each line, shape (line, group)."""
        counts = counts_per_line_photon(compiled=machine.compiled, counted=self.counted)
        return (counts[:, None] * self.member).astype(np.float32)

    def of_samples(
        self, machine: Machine, fractions: NDArray[np.floating], surface: Surface
    ) -> NDArray[np.floating]:
        """Net counts of one second, shape (sample, group).

        Parameters
        ----------
        machine
            On which the samples are measured.
        fractions
            Mass fractions, shape (sample, element).
        surface
            How they lie.
        """
        photons = machine.compiled.line_photons(
            fractions,
            mass_thickness_g_cm2=surface.mass_thickness_g_cm2,
            incidence_deg=surface.incidence_deg,
            take_off_deg=surface.take_off_deg,
        )
        return np.asarray(photons @ machine.table(self.per_photon))

    def of_foreign(self, machine: Machine) -> NDArray[np.floating]:
        """Net counts of pure elements per count in the fine bins, shape (element, group)."""
        compiled = machine.compiled
        pure = np.eye(len(compiled.symbols))[visible_elements(machine)]
        net = compiled.line_photons(pure) @ machine.table(self.per_photon)
        return np.asarray(net / compiled.spectra(pure).sum(axis=1, keepdims=True))

    def after(
        self,
        distortion: SpectrumDistortion,
        lines: Tensor,
        spectra: Tensor,
        parameters: Parameters,
        batch: ExpectedBatch,
    ) -> Tensor:
        """Net counts after a distortion of spectra.

        Parameters
        ----------
        distortion
            Which acts.
        lines
            Net counts before it, shape (batch, group).
        spectra
            Counts in the fine bins before it, shape (batch, bin).
        parameters, batch
            As the distortion is applied with.

        Returns
        -------
        Tensor, shape (batch, group)
        """
        if isinstance(distortion, Mixture):
            return _mixed(lines, parameters, batch)
        if isinstance(distortion, Background) and distortion.severity > 0:
            return lines * (1 - parameters["share"][:, None])
        if isinstance(distortion, Contamination):
            tables = batch.generation.stacked(self.of_foreign)
            foreign = tables[batch.machines, parameters["element"] % tables.shape[1]]
            share, total = parameters["share"][:, None], spectra.sum(dim=1, keepdim=True)
            return (1 - share) * lines + share * total * foreign
        if isinstance(distortion, PileUp) and distortion.severity > 0:
            return lines * (1 - piled_share(parameters, batch))
        return lines


def _mixed(lines: Tensor, parameters: Parameters, batch: ExpectedBatch) -> Tensor:
    known = batch.generation.lines
    assert known is not None
    shares = parameters["shares"]
    total = lines * (1 - shares.sum(dim=1, keepdim=True))
    for number in range(MIXED_WITH):
        other = batch.others(parameters["others"][:, number])
        total = total + shares[:, number, None] * known[other.rows]
    return total
