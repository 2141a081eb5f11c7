"""Fit the preprocessing to the stream that the classifier will be trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from numpy.typing import ArrayLike
from torch import Tensor

from lithoscope.preprocess.chain import BoundChain, Chain
from lithoscope.preprocess.layout import Layout
from lithoscope.preprocess.vae import Vae
from lithoscope.preprocess.vae_network import VaeNetwork, vae_loss
from lithoscope.training.loop import Batches, FitSettings, one_cycle_adamw, run_training

# Spectra that statistics and components are fitted to: some hundred of each class.
_FITTED_TO = 65_536


class VaeTraining(lightning.LightningModule):
    """Trains a variational autoencoder with the optimiser of the classifiers."""

    def __init__(
        self, network: VaeNetwork, step: Vae, settings: FitSettings, before: BoundChain | None
    ) -> None:
        super().__init__()
        self.network = network
        self.step = step
        self.settings = settings
        self.before = before

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        """Return the loss of one batch; classes are not looked at."""
        counts, _ = batch
        if self.before is not None:
            counts = self.before.transform(counts)
        noise = torch.randn(len(counts), self.step.latent, device=counts.device)
        loss = vae_loss(self.network, counts, beta=self.step.beta, noise=noise)
        self.log("loss", loss)
        return loss

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Return AdamW with its one-cycle schedule."""
        return one_cycle_adamw(self.network, self.settings)


def fit_chain(
    chain: Chain,
    stream: Batches,
    edges_keV: ArrayLike,
    settings: FitSettings,
    *,
    log_folder: Path,
    progress: Callable[[int, float], None] = lambda seen, accuracy: None,
) -> Chain:
    """Return a chain with its unfitted steps fitted, one after the other.

    Parameters
    ----------
    chain
        The chain.
    stream
        Simulated spectra.
    edges_keV
        Bin edges of the stream's spectra, shape (bin + 1,).
    settings
        Budget and optimiser of a variational autoencoder; other steps are fitted to as many
        spectra, at most some 65 000.
    log_folder
        Where its loss is logged as CSV.
    progress
        Called with spectra seen, and 0, while an autoencoder is trained.

    Raises
    ------
    PreprocessingError
        If the steps do not fit each other.
    """
    layouts = chain.layouts(Layout.of_counts(edges_keV))
    steps = list(chain.steps)
    for index, step in enumerate(steps):
        if isinstance(step, Vae) and not step.is_fitted:
            before = Chain(tuple(steps[:index])).on(edges_keV) if index else None
            network = step.new_network(layouts[index])
            run_training(
                VaeTraining(network, step, settings, before),
                stream,
                settings,
                log_folder=log_folder,
                progress=progress,
            )
            steps[index] = step.with_weights(network)
        elif not step.is_fitted:
            part = Chain(tuple(steps[: index + 1]))
            steps[index] = part.fit(_batches(stream, settings), edges_keV).steps[-1]
    return Chain(tuple(steps))


def _batches(stream: Batches, settings: FitSettings) -> Iterator[Tensor]:
    for number in range(-(-min(settings.spectra, _FITTED_TO) // settings.batch_size)):
        yield stream.batch(number).counts
