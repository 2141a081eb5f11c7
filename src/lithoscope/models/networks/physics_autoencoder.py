"""An autoencoder whose code is physical and whose decoder is physics."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lithoscope.errors import InvalidValueError
from lithoscope.io import load_instrument
from lithoscope.models.networks.base import FEATURES, SpectralNetwork
from lithoscope.models.networks.emission import tables_of_m4
from lithoscope.models.networks.physics_decoder import PhysicsDecoder
from lithoscope.models.networks.trunk import ConvolutionTrunk, DenseFeatures
from lithoscope.preprocess.model_axis import ModelAxis

# The widest that a code can say: gain 1 %, offset 30 eV, scatter a factor e.
_GAIN, _OFFSET_KEV = 0.01, 0.03
_NUISANCES = 3
# A fraction below this is as good as none, for the head.
_TRACE = 1e-4
_RECONSTRUCTION_WEIGHT = 1.0


@dataclass(frozen=True, eq=False)
class PhysicalCode:
    """What an encoder reads off spectra.

    Parameters
    ----------
    fractions
        Mass fractions, shape (batch, element), rows of sum 1.
    nuisances
        Gain, offset and scatter in units of the widest, -1 to 1, shape (batch, 3).
    """

    fractions: Tensor
    nuisances: Tensor

    @property
    def gain(self) -> Tensor:
        """Recorded over true energy, shape (batch,)."""
        return 1 + _GAIN * self.nuisances[:, 0]

    @property
    def offset_keV(self) -> Tensor:
        """Recorded energy where the true one is 0, shape (batch,)."""
        return _OFFSET_KEV * self.nuisances[:, 1]

    @property
    def scatter(self) -> Tensor:
        """Factor on scattered photons, shape (batch,)."""
        return torch.exp(self.nuisances[:, 2])


class PhysicsAutoencoder(SpectralNetwork):
    """After Dirks and Poole 2023 (X-Ray Spectrom. 52, 142): learn to invert a forward model.

    The control's convolutions predict mass fractions of the library's elements (softmax) and
    three nuisances (gain, offset, strength of scatter); the head classifies this code and sees
    nothing else but total counts. In training the code is also decoded by `PhysicsDecoder` and
    held to the counted spectrum.

    What it is: primary fluorescence, single scatter and detector response of the M4 Tornado,
    thick flat sample, from this package's compiled physics. What it is not: complete. Secondary
    fluorescence, multiple scatter, Bragg peaks, pile-up and other tubes and optics are not in the
    decoder, so mass fractions are those that this model explains a spectrum best with, not an
    analysis. Scale needs no prediction: with Poisson counts its likeliest value is the total. Dirks
    and Poole learn resolution and source from data, which here are known.

    Parameters
    ----------
    n_inputs, n_bins, n_classes
        As of `SpectralNetwork`.

    Raises
    ------
    InvalidValueError
        If `n_bins` is neither that of the default model axis nor the 4096 channels of the M4:
        physics needs energies.
    """

    def __init__(self, n_inputs: int, n_bins: int, n_classes: int) -> None:
        super().__init__(n_inputs, n_bins, n_classes)
        tables = tables_of_m4(_edges(n_bins))
        self.symbols = tables.symbols
        self.decoder = PhysicsDecoder(tables)
        self.convolutions = ConvolutionTrunk(n_inputs, n_bins)
        self.encoded = DenseFeatures(self.convolutions.width * self.convolutions.length)
        n_elements = len(tables.symbols)
        self.read = nn.Linear(self.encoded.n_features, n_elements + _NUISANCES)
        self.dense = DenseFeatures(n_elements + _NUISANCES, FEATURES)
        self.head = nn.Linear(self.dense.n_features, n_classes)

    def code(self, spectra: Tensor, log_total: Tensor) -> PhysicalCode:
        """Return the physical code of spectra; shapes as in `features`."""
        maps = self.convolutions(spectra).flatten(1)
        encoded = self.encoded(maps, log_total).to(self.read.weight.dtype)
        read = self.read(encoded).float()
        n_elements = len(self.symbols)
        return PhysicalCode(
            torch.softmax(read[:, :n_elements], dim=1), torch.tanh(read[:, n_elements:])
        )

    def decode(self, code: PhysicalCode) -> Tensor:
        """Return the share of counts expected in each bin, shape (batch, bin)."""
        decoded: Tensor = self.decoder(code.fractions, code.scatter, code.gain, code.offset_keV)
        return decoded

    def features(self, spectra: Tensor, log_total: Tensor) -> Tensor:
        """See `SpectralNetwork.features`."""
        return self._features(self.code(spectra, log_total), log_total)

    def training_loss(
        self, spectra: Tensor, log_total: Tensor, counts: Tensor, classes: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Cross-entropy plus the Poisson deviance of the decoded spectrum over twice the counts.

        Given their total, Poisson counts are multinomial, and this is the divergence of the decoded
        from the counted shares: the same weight for every spectrum, however many its counts.
        Shapes as of `SpectralNetwork.training_loss`.
        """
        code = self.code(spectra, log_total)
        logits = self.head(self._features(code, log_total))
        shares = counts / counts.sum(dim=1, keepdim=True).clamp_min(1.0)
        decoded = self.decode(code)
        misfit = (torch.xlogy(shares, shares) - torch.xlogy(shares, decoded)).sum(dim=1).mean()
        loss = nn.functional.cross_entropy(logits, classes)
        return loss + _RECONSTRUCTION_WEIGHT * misfit, logits

    def _features(self, code: PhysicalCode, log_total: Tensor) -> Tensor:
        logs = torch.log10(code.fractions + _TRACE)
        shown = torch.cat([logs, code.nuisances], dim=1).to(self.dense.weight.dtype)
        return self.dense(shown, log_total)


def _edges(n_bins: int) -> tuple[float, ...]:
    model_axis = ModelAxis()
    if n_bins == len(model_axis):
        return tuple(model_axis.edges_keV)
    channels = load_instrument("m4-tornado").axis
    if n_bins == channels.n_channels:
        return tuple(channels.edges_keV)
    raise InvalidValueError(
        f"The physics autoencoder on {n_bins} bins.",
        expected=f"the {len(model_axis)} bins of a model's axis, or {channels.n_channels} channels",
        remedy="use the network 'mlp' for codes and 'cnn' for another axis: physics needs energies",
    )
