"""A differentiable forward model: mass fractions and an energy calibration to a spectrum."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lithoscope.models.networks.emission import EmissionTables

# What no physics here explains (pile-up, stray lines, Bragg peaks), spread evenly.
_FLOOR = 1e-3
_LEAST_ATTENUATION = 1e-6


class PhysicsDecoder(nn.Module):
    """The reduced fundamental-parameter model of `EmissionTables`, for batches, with gradients.

    Photons of a group of lines of element e are

    ``w_e sum_c made_gc / (w mu_c + w mu_g sin psi1 / sin psi2)``

    (Sherman 1955, primary fluorescence of a thick sample, the source in cells c), those of a
    scatter group have the same form with the cross section ``w sigma_g`` for ``w_e made_g``.

    Parameters
    ----------
    tables
        The tables; they are buffers, saved with the weights.
    """

    edges_keV: Tensor
    elements: Tensor
    lines_made: Tensor
    lines_in: Tensor
    lines_out: Tensor
    lines_counts: Tensor
    scatter_made: Tensor
    scatter_in: Tensor
    scatter_out: Tensor
    scatter_counts: Tensor

    def __init__(self, tables: EmissionTables) -> None:
        super().__init__()
        self.sine_ratio = tables.sine_in / tables.sine_out
        lines, scatter = tables.lines, tables.scatter
        self.register_buffer("elements", torch.from_numpy(lines.elements))
        for name, table in (
            ("edges_keV", tables.edges_keV),
            ("lines_made", lines.made),
            ("lines_in", lines.attenuation_in),
            ("lines_out", lines.attenuation_out),
            ("lines_counts", lines.counts),
            ("scatter_made", scatter.made),
            ("scatter_in", scatter.attenuation_in),
            ("scatter_out", scatter.attenuation_out),
            ("scatter_counts", scatter.counts),
        ):
            self.register_buffer(name, torch.from_numpy(table).float())

    def forward(
        self, fractions: Tensor, scatter: Tensor, gain: Tensor, offset_keV: Tensor
    ) -> Tensor:
        """Return expected spectra.

        Parameters
        ----------
        fractions
            Mass fractions, shape (batch, element).
        scatter
            Factor on scattered photons, shape (batch,): surfaces and crystals scatter otherwise
            than flat powders.
        gain, offset_keV
            Photons of energy E are recorded at ``gain E + offset``, shapes (batch,).

        Returns
        -------
        Tensor
            Share of the counts in each bin, shape (batch, bin), rows of sum 1.
        """
        # Attenuation spans four decades, and differences of large sums follow: single precision.
        with torch.autocast(fractions.device.type, enabled=False):
            spectra = self.expected(fractions.float(), scatter.float())
            moved = self._recorded(spectra, gain.float(), offset_keV.float())
            shares = moved / moved.sum(dim=1, keepdim=True).clamp_min(1e-30)
            return (1 - _FLOOR) * shares + _FLOOR / shares.shape[1]

    def expected(self, fractions: Tensor, scatter: Tensor) -> Tensor:
        """Return counts per second on an exact energy axis, shape (batch, bin)."""
        into = fractions @ self.lines_in
        out = self.sine_ratio * (fractions @ self.lines_out)
        both = (into[:, None, :] + out[:, :, None]).clamp_min(_LEAST_ATTENUATION)
        lines = fractions[:, self.elements] * (self.lines_made / both).sum(dim=2)
        passed = fractions @ self.scatter_in + self.sine_ratio * (fractions @ self.scatter_out)
        scattered = (fractions @ self.scatter_made) / passed.clamp_min(_LEAST_ATTENUATION)
        return lines @ self.lines_counts + scatter[:, None] * (scattered @ self.scatter_counts)

    def _recorded(self, spectra: Tensor, gain: Tensor, offset_keV: Tensor) -> Tensor:
        """Move spectra along the energy axis; counts are spread evenly within a bin."""
        edges = self.edges_keV
        true_keV = (edges[None] - offset_keV[:, None]) / gain[:, None]
        true_keV = true_keV.clamp(edges[0], edges[-1])
        bins = torch.searchsorted(edges, true_keV.detach(), right=True) - 1
        bins = bins.clamp(0, edges.numel() - 2)
        below = nn.functional.pad(spectra.cumsum(dim=1), (1, 0))
        share = (true_keV - edges[bins]) / (edges[bins + 1] - edges[bins])
        return torch.diff(below.gather(1, bins) + share * spectra.gather(1, bins), dim=1)
