"""Fit a network to batches of spectra, simulated as they come or from a data set."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor

from lithoscope.models.inputs import network_inputs
from lithoscope.models.networks.base import SpectralNetwork
from lithoscope.preprocess.chain import BoundChain
from lithoscope.training.loop import Batches, FitSettings, one_cycle_adamw, run_training
from lithoscope.training.state import step_of_state
from lithoscope.training.validation import KeepBest, Validation

# Where a run's state is kept, and after how many steps.
_STATE, _KEPT_EVERY = "state.ckpt", 500


class Classifier(lightning.LightningModule):
    """The network's loss on simulated spectra, AdamW, one cycle of the learning rate."""

    def __init__(
        self,
        network: SpectralNetwork,
        settings: FitSettings,
        identity: dict[str, str],
        chain: BoundChain | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.settings = settings
        self.identity = identity
        self.chain = chain

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Say in a state which run it is of."""
        checkpoint["lithoscope"] = self.identity

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        """Return the loss of one batch."""
        counts, classes = batch
        inputs = network_inputs(counts, self.chain)
        loss, logits = self.network.training_loss(*inputs, counts, classes)
        accuracy = (logits.argmax(dim=1) == classes).float().mean()
        self.log_dict({"loss": loss, "accuracy": accuracy}, prog_bar=True)
        return loss

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Return AdamW with its one-cycle schedule."""
        return one_cycle_adamw(self.network, self.settings)


def seed_weights(seed: int) -> None:
    """Seed the initial weights of the next network."""
    torch.manual_seed(seed)


def fit_network(
    network: SpectralNetwork,
    stream: Batches,
    settings: FitSettings,
    *,
    log_folder: Path,
    chain: BoundChain | None = None,
    validation: Validation | None = None,
    asked: str = "",
    progress: Callable[[int, float], None] = lambda seen, accuracy: None,
) -> None:
    """Fit a network in place; go on where an earlier run of the same settings was cut off.

    The state is kept every `_KEPT_EVERY` steps in `log_folder`, and taken up when it lies there:
    what comes of a run that was cut off is the same as of one that was not, since a batch depends
    on its number alone. A state of another run is refused.

    Parameters
    ----------
    network
        Freshly seeded network.
    stream
        Spectra in batches of the same size as in `settings`.
    settings
        Budget and optimiser.
    log_folder
        Where loss and accuracy are logged (CSV, TensorBoard), and the state is kept until the run
        is over.
    chain
        What is done to counts before the network sees them; the default chain when left out.
    validation
        Other spectra; the weights with which the network is best on them are kept. Without, the
        last are.
    asked
        What else the weights depend on: a run that was cut off goes on only under the same.
    progress
        Called after each step with spectra seen and the batch's accuracy.
    """
    identity = {**_identity(network, stream, settings), "asked": asked}
    classifier = Classifier(network, settings, identity, chain)
    kept = log_folder / _STATE
    first = step_of_state(kept, classifier) if kept.is_file() else 0
    keeper = ModelCheckpoint(
        dirpath=log_folder,
        filename=kept.stem,
        every_n_train_steps=_KEPT_EVERY,
        enable_version_counter=False,
    )
    best = [] if validation is None else [KeepBest(network, validation, chain)]
    run_training(
        classifier,
        stream,
        settings,
        log_folder=log_folder,
        callbacks=[*best, keeper],
        goes_on_from=(kept, first) if first else None,
        progress=progress,
    )
    kept.unlink(missing_ok=True)
    network.eval()


def _identity(network: SpectralNetwork, stream: Batches, settings: FitSettings) -> dict[str, str]:
    """What a run that goes on must have in common with the one that was cut off."""
    classes = hashlib.sha256("\n".join(stream.labels.labels).encode()).hexdigest()[:12]
    return {
        "network": type(network).__name__,
        "settings": str(settings),
        "condition": str(stream.condition),
        "classes": classes,
        "seed": str(stream.seed),
    }
