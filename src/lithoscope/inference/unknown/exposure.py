"""What known spectra and made-up ones differ in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from lithoscope.errors import InvalidValueError
from lithoscope.inference.unknown.base import Detector, FloatArray, Seen, array_of, linear, unfitted
from lithoscope.inference.unknown.fitting import Layers, fit_network
from lithoscope.inference.unknown.reconstruction import Reconstruction

_HIDDEN, _DROPPED = 64, 0.2
_FIELDS = ("hidden_weight", "hidden_bias", "weight", "bias")


@dataclass(frozen=True, eq=False)
class Exposure(Detector):
    """Logit of a small network that parts known spectra from surrogates (Hendrycks et al. 2019).

    It looks at the classifier's features and at what `Reconstruction` leaves of the spectrum,
    ``asinh`` of the residuals by resolution element.

    Parameters
    ----------
    reconstruction
        A fitted one.
    hidden_weight, hidden_bias, weight, bias
        Of the network, shapes (hidden, feature + element), (hidden,), (1, hidden), (1,).
    """

    name: ClassVar[str] = "exposure"
    reconstruction: Reconstruction = field(default_factory=Reconstruction)
    hidden_weight: FloatArray = field(default_factory=unfitted)
    hidden_bias: FloatArray = field(default_factory=unfitted)
    weight: FloatArray = field(default_factory=unfitted)
    bias: FloatArray = field(default_factory=unfitted)

    def fit(self, known: Seen, classes: Tensor, surrogates: Seen | None = None) -> Self:
        """Fit by cross-entropy, known spectra and surrogates alike in weight."""
        if surrogates is None:
            raise InvalidValueError("Exposure without surrogates.", expected="some to be told")
        shown = torch.cat(
            [self._inputs(one, self.reconstruction.residuals(one)) for one in (known, surrogates)]
        )
        strange = torch.cat([torch.zeros(len(known)), torch.ones(len(surrogates))])
        weights = torch.where(strange > 0, len(known) / len(surrogates), 1.0)
        network = nn.Sequential(
            nn.Linear(shown.shape[1], _HIDDEN),
            nn.GELU(approximate="tanh"),
            nn.Dropout(_DROPPED),
            nn.Linear(_HIDDEN, 1),
        )

        def loss(rows: Tensor) -> Tensor:
            return nn.functional.binary_cross_entropy_with_logits(
                network(shown[rows])[:, 0], strange[rows], weights[rows]
            )

        layers = Layers.of(fit_network(network, loss, len(shown)))
        return type(self)(self.reconstruction, *layers.first, *layers.second)

    def score(self, seen: Seen) -> Tensor:
        """See `Detector.score`."""
        return self.score_of(seen, self.reconstruction.residuals(seen))

    def score_of(self, seen: Seen, residuals: Tensor) -> Tensor:
        """Return the same where the reconstruction's residuals are known already."""
        shown = self._inputs(seen, residuals)
        hidden = nn.functional.gelu(
            linear(shown, self.hidden_weight, self.hidden_bias), approximate="tanh"
        )
        return linear(hidden, self.weight, self.bias)[:, 0]

    def _inputs(self, seen: Seen, residuals: Tensor) -> Tensor:
        features = self.reconstruction.standardised(seen.features)
        return torch.cat([features, torch.asinh(residuals)], dim=1)

    def arrays(self) -> dict[str, FloatArray]:
        """What was fitted, the reconstruction's arrays among it."""
        own = {f"{self.name}/{field}": getattr(self, field) for field in _FIELDS}
        return {**self.reconstruction.arrays(), **own}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> Self:
        """See `Detector.from_arrays`."""
        own = {field: array_of(arrays, cls.name, field) for field in _FIELDS}
        return cls(Reconstruction.from_arrays(arrays), **own)
