"""Fit a network to batches of spectra, simulated as they come or from a data set."""

from __future__ import annotations

import hashlib
import logging
import pickle
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import lightning
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from lithoscope.core.labels import LabelSet
from lithoscope.errors import CheckpointError, InvalidValueError
from lithoscope.models.inputs import network_inputs
from lithoscope.models.networks.base import SpectralNetwork
from lithoscope.models.precision import cpu_has_bf16
from lithoscope.preprocess.chain import BoundChain
from lithoscope.synthesis.conditions import Condition
from lithoscope.training.validation import KeepBest, Validation

# Where a run's state is kept, and after how many steps.
_STATE, _KEPT_EVERY = "state.ckpt", 500
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


class Resumable(Protocol):
    """What is trained, and what a run that goes on must have in common with it."""

    identity: dict[str, str]


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
    network: SpectralNetwork,
    stream: Batches,
    settings: FitSettings,
    *,
    log_folder: Path,
    chain: BoundChain | None = None,
    validation: Validation | None = None,
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
        Where loss and accuracy are logged as CSV, and the state is kept until the run is over.
    chain
        What is done to counts before the network sees them; the default chain when left out.
    validation
        Other spectra; the weights with which the network is best on them are kept. Without, the
        last are.
    progress
        Called after each step with spectra seen and the batch's accuracy.
    """
    classifier = Classifier(network, settings, _identity(network, stream, settings), chain)
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
            # A run that goes on has a log of its own: the logger begins each file anew.
            logger=CSVLogger(log_folder, name=None, version=f"from-step-{first}" if first else ""),
            callbacks=[_Progress(progress, settings.batch_size), *callbacks],
            enable_checkpointing=any(isinstance(one, ModelCheckpoint) for one in callbacks),
            enable_progress_bar=False,
            enable_model_summary=False,
            log_every_n_steps=50,
            gradient_clip_val=1.0,
        )
        loader = DataLoader(_Stream(stream, first, settings.steps), batch_size=None)
        trainer.fit(module, loader, ckpt_path=state, weights_only=True)


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


def step_of_state(path: Path, classifier: Resumable) -> int:
    """Return the number of steps done by the run that left a state.

    Raises
    ------
    CheckpointError
        If the state cannot be read, or is of another run.
    """
    try:
        state = torch.load(path, weights_only=True)
        step, settings = int(state["global_step"]), state["lithoscope"]
    except (OSError, RuntimeError, KeyError, pickle.UnpicklingError, EOFError) as error:
        raise CheckpointError(
            f"The training state {path} cannot be read: {error}.",
            expected="what an earlier run left there",
            remedy="remove it, and the training begins anew",
        ) from error
    if settings != classifier.identity:
        raise CheckpointError(
            f"The training state {path} is of another run ({settings}).",
            expected=str(classifier.identity),
            remedy="choose another folder with -o, or remove the state to begin anew",
        )
    return step


def _has_bf16() -> bool:
    """Whether bfloat16 arithmetic is native here; emulated, it is slower than float32."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    return cpu_has_bf16()
