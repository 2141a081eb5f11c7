"""What all networks share: their inputs, features before a linear head, and their loss."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from lithoscope.errors import InvalidValueError

# Width of the last layer before the head, in every network but `cnn-large`: features for scores of
# the unknown.
FEATURES = 256


class SpectralNetwork(nn.Module, ABC):
    """Classifies spectra: features, then one linear layer.

    Inputs may be a spectrum on a model's axis, raw channels, or codes without any neighbourhood
    (PCA scores, a VAE's latent): anything of shape (batch, input, bin).

    Parameters
    ----------
    n_inputs
        Inputs a bin.
    n_bins
        Bins, channels or codes.
    n_classes
        Classes.

    Raises
    ------
    InvalidValueError
        If a number is below 1, or there are fewer bins than the network can work on.
    """

    head: nn.Linear
    least_bins = 8

    def __init__(self, n_inputs: int, n_bins: int, n_classes: int) -> None:
        super().__init__()
        for name, value in (("inputs", n_inputs), ("bins", n_bins), ("classes", n_classes)):
            if value < 1:
                raise InvalidValueError(f"A network of {value} {name}.", expected="1 or more")
        if n_bins < self.least_bins:
            raise InvalidValueError(
                f"{type(self).__name__} on {n_bins} bins.",
                expected=f"at least {self.least_bins}, over which its filters can pass",
                remedy="use the network 'mlp', which asks for no neighbourhood",
            )

    @abstractmethod
    def features(self, spectra: Tensor, log_total: Tensor) -> Tensor:
        """Return what the head decides by.

        Parameters
        ----------
        spectra
            Shape (batch, input, bin).
        log_total
            Shape (batch, 1).

        Returns
        -------
        Tensor, shape (batch, feature)
        """

    def forward(self, spectra: Tensor, log_total: Tensor) -> Tensor:
        """Classify: the head over `features`.

        Parameters
        ----------
        spectra
            Shape (batch, input, bin).
        log_total
            Shape (batch, 1).

        Returns
        -------
        Tensor
            Logits, shape (batch, class).
        """
        logits: Tensor = self.head(self.features(spectra, log_total))
        return logits

    def training_loss(
        self, spectra: Tensor, log_total: Tensor, counts: Tensor, classes: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Cross-entropy, the mean over a batch; networks that learn more than classes add to it.

        Parameters
        ----------
        spectra
            Shape (batch, input, bin).
        log_total
            Shape (batch, 1).
        counts
            What the inputs were made from, shape (batch, bin).
        classes
            True classes, shape (batch,), int64.

        Returns
        -------
        loss : Tensor
            Shape ().
        logits : Tensor
            Shape (batch, class).
        """
        logits = self(spectra, log_total)
        return nn.functional.cross_entropy(logits, classes), logits
