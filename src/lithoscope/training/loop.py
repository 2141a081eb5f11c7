"""The training loop: batches made ahead, one cycle of the learning rate, logs, precision."""

from __future__ import annotations

import importlib.util
import logging
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

import lightning
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from lithoscope.core.labels import LabelSet
from lithoscope.errors import InvalidValueError
from lithoscope.models.precision import cpu_has_bf16
from lithoscope.synthesis.conditions import Condition

# Batches that are made ahead of the one that the network is fitted to: more than a generation of
# spectra holds, so that the next is made in the meantime.
_AHEAD = 128
_SILENCED = (
    ".*num_workers.*",
    ".*IterableDataset.*",
    ".*logging interval.*",
    ".*LeafSpec.*",
    ".*exists and is not empty.*",
    ".*will be overwritten.*",
    ".*dataloader is not resumable.*",
    # Finetuning means it: normalisation keeps its statistics.
    ".*in eval mode at the start.*",
)


@dataclass(frozen=True)
class FitSettings:
    """How a network is fitted.

    Parameters
    ----------
    spectra
        Spectra to train on; of a data set, as often as each is seen.
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


class LabelledSpectraBatch(Protocol):
    """Counts on the model's axis, shape (batch, bin), and classes, shape (batch,)."""

    @property
    def counts(self) -> Tensor: ...  # noqa: D102
    @property
    def classes(self) -> Tensor: ...  # noqa: D102


class Batches(Protocol):
    """Where spectra to train on come from; batch i depends on the seed and i alone."""

    labels: LabelSet
    condition: Condition
    seed: int

    def batch(self, number: int) -> LabelledSpectraBatch:
        """Return the batch of this number."""


class _Stream(IterableDataset[tuple[Tensor, Tensor]]):
    """The stream as Lightning wants it: whole batches of (counts, classes), from a number on.

    Batches are made in a thread of their own while the network is fitted to earlier ones: half of
    the time goes into either.
    """

    def __init__(self, stream: Batches, first: int, steps: int) -> None:
        self.stream = stream
        self.first = first
        self.steps = steps

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        with ThreadPoolExecutor(1) as maker:
            numbers = iter(range(self.first, self.steps))
            coming = deque(
                maker.submit(self.stream.batch, number) for number in islice(numbers, _AHEAD)
            )
            try:
                while coming:
                    batch = coming.popleft().result()
                    for number in islice(numbers, 1):
                        coming.append(maker.submit(self.stream.batch, number))
                    yield batch.counts, batch.classes
            finally:
                for waiting in coming:
                    waiting.cancel()


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


def run_training(
    module: lightning.LightningModule,
    stream: Batches,
    settings: FitSettings,
    *,
    log_folder: Path,
    callbacks: Sequence[Callback] = (),
    goes_on_from: tuple[Path, int] | None = None,
    progress: Callable[[int, float], None] = lambda seen, accuracy: None,
) -> None:
    """Train a module on a stream's batches of (counts, classes).

    Parameters
    ----------
    module
        What is trained, with its loss and optimiser.
    stream, settings, log_folder, progress
        As for `fit_network`; the accuracy is 0 where the module logs none.
    callbacks
        What else is to be done after each step.
    goes_on_from
        State of an earlier run, and the steps that it had done.
    """
    # Hardware notices and tips; errors come as exceptions.
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    state, first = goes_on_from or (None, 0)
    with warnings.catch_warnings():
        # Lightning advises more loader workers, though the stream is made on the training
        # threads, and other logging intervals for short runs; a log that goes on is meant.
        for message in _SILENCED:
            warnings.filterwarnings("ignore", message=message)
        trainer = lightning.Trainer(
            max_steps=settings.steps,
            accelerator="auto",
            devices=1,
            precision="bf16-mixed" if _has_bf16() else "32-true",
            logger=_loggers(log_folder, first),
            callbacks=[_Progress(progress, settings.batch_size), *callbacks],
            enable_checkpointing=any(isinstance(one, ModelCheckpoint) for one in callbacks),
            enable_progress_bar=False,
            enable_model_summary=False,
            log_every_n_steps=50,
            gradient_clip_val=1.0,
        )
        loader = DataLoader(_Stream(stream, first, settings.steps), batch_size=None)
        trainer.fit(module, loader, ckpt_path=state, weights_only=True)


def _loggers(folder: Path, first: int) -> list[Logger]:
    """Log as CSV, and for TensorBoard where a writer of its files is installed.

    A run that goes on has logs of its own: the CSV logger begins each file anew.
    """
    version = f"from-step-{first}" if first else ""
    logs: list[Logger] = [CSVLogger(folder, name=None, version=version)]
    if any(importlib.util.find_spec(name) for name in ("tensorboard", "tensorboardX")):
        logs.append(TensorBoardLogger(folder, name="tensorboard", version=version or "from-step-0"))
    return logs


def _has_bf16() -> bool:
    """Whether bfloat16 arithmetic is native here; emulated, it is slower than float32."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    return cpu_has_bf16()
