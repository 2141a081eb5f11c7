"""The variational autoencoder as a step: denoised spectra, or their codes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from torch import Tensor

from lithoscope.errors import PreprocessingError
from lithoscope.preprocess.deviance import poisson_deviance
from lithoscope.preprocess.layout import COUNTS_ALONE, Layout
from lithoscope.preprocess.step import FittedStep, Transform
from lithoscope.preprocess.vae_network import VaeNetwork

# Shorter ones would leave taps of the last convolution in the padding alone (see models.cnn).
_LEAST_BINS = 32
_CHUNK = 1024


@dataclass(frozen=True, eq=False)
class Vae(FittedStep):
    """Passes counts through a variational autoencoder.

    It is trained by `training.fit_chain`, as classifiers are; its weights are its state.

    Parameters
    ----------
    latent
        Variables of the code.
    beta
        Weight of the codes' divergence from the standard normal.
    output
        ``denoised`` for expected counts of the same total, or ``code`` for the codes' means.
    """

    name: ClassVar[str] = "vae"
    latent: int = 16
    beta: float = 1.0
    output: str = "denoised"

    def __post_init__(self) -> None:
        self.require(1 <= self.latent <= 256, "latent", "1 to 256")
        self.require(0 <= self.beta <= 1e4, "beta", "0 to 10 000")
        self.require(self.output in ("denoised", "code"), "output", "denoised or code")

    def after(self, layout: Layout) -> Layout:
        """Expected counts on the same axis, or codes."""
        edges = layout.edges_for(self.name, COUNTS_ALONE)
        if layout.length < _LEAST_BINS:
            raise PreprocessingError(
                f"'{self.name}' would be given spectra of {layout.length} bins.",
                expected=f"{_LEAST_BINS} or more",
            )
        if self.output == "code":
            return Layout("scores", self.latent)
        return Layout("net", layout.length, edges)

    def fit(self, batches: Iterable[Tensor], layout: Layout) -> Self:
        """Refuse: a network takes an optimiser and a budget."""
        raise PreprocessingError(
            f"'{self.name}' cannot be fitted as the spectra pass.",
            expected="weights trained on simulated spectra",
            remedy="train a model whose recipe has it in its preprocessing: lithoscope train, or "
            "lithoscope.training.fit_chain",
        )

    def new_network(self, layout: Layout) -> VaeNetwork:
        """Return an untrained network for spectra of a layout."""
        self.after(layout)
        return VaeNetwork(layout.length, self.latent)

    def with_weights(self, network: VaeNetwork) -> Self:
        """Return the step with a trained network's weights."""
        state = {
            key: value.detach().float().cpu().numpy().copy()
            for key, value in network.state_dict().items()
        }
        return dataclasses.replace(self, state=state)

    def network(self, layout: Layout) -> VaeNetwork:
        """Return the trained network.

        Raises
        ------
        PreprocessingError
            If it was not trained, or for spectra of another length.
        """
        network = self.new_network(layout)
        weights = {
            key: torch.from_numpy(self.learnt(key, tuple(value.shape)).copy())
            for key, value in network.state_dict().items()
        }
        network.load_state_dict(weights)
        return network.eval().requires_grad_(False)

    def bound(self, layout: Layout) -> Transform:
        """Encode, and decode where spectra are asked for."""
        network = self.network(layout)

        def apply(values: Tensor, _: Tensor | None) -> Tensor:
            network.to(values.device)
            pieces = [
                network(chunk) if self.output == "denoised" else network.encode(chunk)[0]
                for chunk in values.split(_CHUNK)
            ]
            return torch.cat(pieces) if pieces else values.new_zeros(0, self.after(layout).length)

        return apply


def reconstruction_deviance(step: Vae, layout: Layout, counts: Tensor) -> Tensor:
    """Poisson deviance of counts from what the autoencoder makes of them, shape (spectrum,).

    A spectrum unlike all that it was trained on cannot be rebuilt, and deviates by much more than
    the number of its bins.

    Parameters
    ----------
    step
        A trained step; its `output` does not matter.
    layout
        What it was trained on.
    counts
        Shape (spectrum, bin).
    """
    rebuild = dataclasses.replace(step, output="denoised").bound(layout)
    return poisson_deviance(counts=counts, expected=rebuild(counts.float(), None))
