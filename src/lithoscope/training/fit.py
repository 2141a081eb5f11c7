"""Fit a network to a stream of simulated spectra, with Lightning."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from lithoscope.errors import InvalidValueError
from lithoscope.models.inputs import network_inputs
from lithoscope.preprocess.chain import BoundChain
from lithoscope.synthesis.stream import SpectrumStream


@dataclass(frozen=True)
class FitSettings:
    """How a network is fitted.

    Parameters
    ----------
    spectra
        Spectra to train on; each is seen once.
    batch_size
        Spectra in a step.
    learning_rate
        Peak of the one-cycle schedule (Smith and Topin 2019).
    weight_decay
        Of AdamW (Loshchilov and Hutter 2019).
    """

    spectra: int
    batch_size: int = 256
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2

    def __post_init__(self) -> None:
        if self.spectra < self.batch_size or self.batch_size < 1:
            raise InvalidValueError(
                f"{self.spectra} spectra in batches of {self.batch_size}.",
                expected="at least one batch of one spectrum",
            )
        if not (self.learning_rate > 0 and self.weight_decay >= 0):
            raise InvalidValueError(
                f"Learning rate {self.learning_rate}, weight decay {self.weight_decay}.",
                expected="a positive rate and a decay of 0 or more",
            )

    @property
    def steps(self) -> int:
        """Optimiser steps."""
        return self.spectra // self.batch_size


class _Stream(IterableDataset[tuple[Tensor, Tensor]]):
    """The stream as Lightning wants it: whole batches of (counts, classes)."""

    def __init__(self, stream: SpectrumStream, steps: int) -> None:
        self.stream = stream
        self.steps = steps

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for _ in range(self.steps):
            batch = self.stream.batch()
            yield batch.counts, batch.classes


class Classifier(lightning.LightningModule):
    """Cross-entropy on simulated spectra, AdamW, one cycle of the learning rate."""

    def __init__(
        self, network: nn.Module, settings: FitSettings, chain: BoundChain | None = None
    ) -> None:
        super().__init__()
        self.network = network
        self.settings = settings
        self.chain = chain

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        """Return the loss of one batch."""
        counts, classes = batch
        logits = self.network(*network_inputs(counts, self.chain))
        loss = nn.functional.cross_entropy(logits, classes)
        accuracy = (logits.argmax(dim=1) == classes).float().mean()
        self.log_dict({"loss": loss, "accuracy": accuracy}, prog_bar=True)
        return loss

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Return AdamW with its one-cycle schedule."""
        return one_cycle_adamw(self.network, self.settings)


def one_cycle_adamw(network: nn.Module, settings: FitSettings) -> OptimizerLRSchedulerConfig:
    """Return AdamW with a one-cycle schedule of its learning rate."""
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=settings.learning_rate, total_steps=settings.steps
    )
    return {
        "optimizer": optimizer,
        "lr_scheduler": {"scheduler": schedule, "interval": "step"},
    }


class _Progress(Callback):
    """Hands the number of spectra seen to whoever draws the progress."""

    def __init__(self, report: Callable[[int, float], None], batch_size: int) -> None:
        self.report = report
        self.batch_size = batch_size

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: object) -> None:
        """Report spectra seen and the running accuracy."""
        accuracy = float(trainer.callback_metrics.get("accuracy", torch.tensor(0.0)))
        self.report(trainer.global_step * self.batch_size, accuracy)


def seed_weights(seed: int) -> None:
    """Seed the initial weights of the next network."""
    torch.manual_seed(seed)


def fit_network(
    network: nn.Module,
    stream: SpectrumStream,
    settings: FitSettings,
    *,
    log_folder: Path,
    chain: BoundChain | None = None,
    progress: Callable[[int, float], None] = lambda seen, accuracy: None,
) -> None:
    """Fit a classifier in place.

    Parameters
    ----------
    network
        Freshly seeded network.
    stream
        Simulated spectra in batches of the same size as in `settings`.
    settings
        Budget and optimiser.
    log_folder
        Where loss and accuracy are logged as CSV.
    chain
        What is done to counts before the network sees them; the default chain when left out.
    progress
        Called after each step with spectra seen and the batch's accuracy.
    """
    run_training(
        Classifier(network, settings, chain),
        stream,
        settings,
        log_folder=log_folder,
        progress=progress,
    )
    network.eval()


def run_training(
    module: lightning.LightningModule,
    stream: SpectrumStream,
    settings: FitSettings,
    *,
    log_folder: Path,
    progress: Callable[[int, float], None] = lambda seen, accuracy: None,
) -> None:
    """Train a module on a stream's batches of (counts, classes).

    Parameters
    ----------
    module
        What is trained, with its loss and optimiser.
    stream, settings, log_folder, progress
        As for `fit_network`; the accuracy is 0 where the module logs none.
    """
    # Hardware notices and tips; errors come as exceptions.
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        # Lightning advises more loader workers, though the stream is made on the training
        # threads, and other logging intervals for short runs.
        for message in (
            ".*num_workers.*",
            ".*IterableDataset.*",
            ".*logging interval.*",
            ".*LeafSpec.*",
        ):
            warnings.filterwarnings("ignore", message=message)
        trainer = lightning.Trainer(
            max_steps=settings.steps,
            accelerator="auto",
            devices=1,
            precision="bf16-mixed" if _has_bf16() else "32-true",
            logger=CSVLogger(log_folder, name=None, version=""),
            callbacks=[_Progress(progress, settings.batch_size)],
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            log_every_n_steps=50,
            gradient_clip_val=1.0,
        )
        loader = DataLoader(_Stream(stream, settings.steps), batch_size=None)
        trainer.fit(module, loader)


def _has_bf16() -> bool:
    """Whether bfloat16 arithmetic is native here; emulated, it is slower than float32."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    return "avx512_bf16" in torch.backends.cpu.get_cpu_capability().lower() or bool(
        torch.cpu._is_avx512_bf16_supported()
    )
