"""The spectrum that a network's features stand for, against the one that was measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lithoscope.inference.residual import resolution_elements
from lithoscope.inference.unknown.base import Detector, FloatArray, Seen, linear, tensor, unfitted
from lithoscope.inference.unknown.fitting import Layers, fit_network
from lithoscope.physics.model_error import relative_model_error_from_energies

_HIDDEN = 192
_LEAST = 1e-6


@dataclass(frozen=True, eq=False)
class Reconstruction(Detector):
    """Deviance of counts from the spectrum that is expected of the network's features.

    What a network has understood of a spectrum lies in its features. A second, small network learns
    from known spectra, mixtures and distorted ones among them, what spectrum is expected of
    features; an element whose lines the features do not stand for is left over. So this is the
    physics residual, its fit replaced by a look-up that a map can afford.

    The score is the mean over resolution elements e, one FWHM wide, of the deviance of ``n_e`` from
    ``m_e`` with variance ``m_e + (epsilon_e m_e)^2`` (`deviance_from_expected`), epsilon the
    simulator's measured error (`relative_model_error_from_energies`).

    Parameters
    ----------
    starts
        First bin of each resolution element, shape (element,); by `on_axis`, before `fit`.
    errors
        The simulator's relative error in it, shape (element,).
    shift, scale
        Mean and standard deviation of known features, shape (feature,).
    hidden_weight, hidden_bias, weight, bias
        Of the second network, shapes (hidden, feature), (hidden,), (element, hidden), (element,).
    """

    name: ClassVar[str] = "reconstruction"
    starts: FloatArray = field(default_factory=unfitted)
    errors: FloatArray = field(default_factory=unfitted)
    shift: FloatArray = field(default_factory=unfitted)
    scale: FloatArray = field(default_factory=unfitted)
    hidden_weight: FloatArray = field(default_factory=unfitted)
    hidden_bias: FloatArray = field(default_factory=unfitted)
    weight: FloatArray = field(default_factory=unfitted)
    bias: FloatArray = field(default_factory=unfitted)

    @classmethod
    def on_axis(cls, edges_keV: NDArray[np.float64]) -> Self:
        """Return one for spectra on an axis, not yet fitted; edges have shape (bin + 1,)."""
        places = resolution_elements(edges_keV)
        errors = relative_model_error_from_energies(
            energies_keV=(edges_keV[1:] + edges_keV[:-1]) / 2
        )
        means = np.bincount(places, errors) / np.bincount(places)
        starts = np.flatnonzero(np.diff(places, prepend=-1))
        return cls(starts.astype(np.float32), means.astype(np.float32))

    def fit(self, known: Seen, classes: Tensor, surrogates: Seen | None = None) -> Self:
        """Learn to expect known spectra: multinomial likelihood of their counts by element."""
        shift, scale = known.features.mean(dim=0), known.features.std(dim=0) + 1e-3
        elements = in_elements(known.counts, self.starts)
        shares = elements / elements.sum(dim=1, keepdim=True).clamp_min(1.0)
        network = nn.Sequential(
            nn.Linear(known.features.shape[1], _HIDDEN),
            nn.GELU(approximate="tanh"),
            nn.Linear(_HIDDEN, elements.shape[1]),
        )

        def loss(rows: Tensor) -> Tensor:
            said = network((known.features[rows] - shift) / scale)
            return -(shares[rows] * torch.log_softmax(said, dim=1)).sum(dim=1).mean()

        layers = Layers.of(fit_network(network, loss, len(known)))
        return type(self)(
            self.starts, self.errors, shift.numpy(), scale.numpy(), *layers.first, *layers.second
        )

    def score(self, seen: Seen) -> Tensor:
        """See `Detector.score`."""
        return (self.residuals(seen) ** 2).mean(dim=1)

    def standardised(self, features: Tensor) -> Tensor:
        """Features with mean zero and variance one over known spectra."""
        return (features - tensor(self.shift)) / tensor(self.scale)

    def residuals(self, seen: Seen) -> Tensor:
        """Signed roots of the deviance of each resolution element, shape (spectrum, element)."""
        features = self.standardised(seen.features)
        hidden = nn.functional.gelu(
            linear(features, self.hidden_weight, self.hidden_bias), approximate="tanh"
        )
        said = linear(hidden, self.weight, self.bias)
        counts = in_elements(seen.counts, self.starts)
        expected = torch.softmax(said, dim=1) * counts.sum(dim=1, keepdim=True)
        return root_deviance(counts, expected, tensor(self.errors))


def in_elements(counts: Tensor, starts: FloatArray) -> Tensor:
    """Sum counts, shape (spectrum, bin), over elements that start at bins."""
    return torch.from_numpy(np.add.reduceat(counts.numpy(), starts.astype(np.intp), axis=1))


def root_deviance(counts: Tensor, expected: Tensor, relative_error: Tensor) -> Tensor:
    """Signed root of `deviance_from_expected`, elementwise, in single precision."""
    means = expected.clamp_min(_LEAST)
    size = relative_error**-2
    ratio = torch.log(counts.clamp_min(_LEAST) / means)
    beside = torch.log1p((counts - means) / (means + size))
    squares = 2 * (counts * ratio - (counts + size) * beside)
    return torch.sign(counts - means) * torch.sqrt(squares.clamp_min(0))
