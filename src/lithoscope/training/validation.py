"""Validation while a network is fitted: how good it is, and which of its weights were best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn

from lithoscope.errors import InvalidValueError
from lithoscope.models.inputs import network_inputs
from lithoscope.preprocess.chain import BoundChain

_CHUNK = 2048


@dataclass(frozen=True, eq=False)
class Validation:
    """Spectra that a network is tried on while it is fitted to others.

    Parameters
    ----------
    counts
        Counts on the model's axis, shape (spectrum, bin), float32.
    classes
        Shape (spectrum,), int64.
    every
        Steps after which it is tried.
    patience
        Trials in a row without a better one after which training stops; it never does when left
        out. With one cycle of the learning rate the best often comes last.
    """

    counts: Tensor
    classes: Tensor
    every: int
    patience: int | None = None

    def __post_init__(self) -> None:
        if not len(self.counts) or len(self.counts) != len(self.classes) or self.every < 1:
            raise InvalidValueError(
                f"{len(self.counts)} spectra with {len(self.classes)} classes to validate on, "
                f"every {self.every} steps.",
                expected="one class a spectrum, one or more of them, every step or more rarely",
            )
        if self.patience is not None and self.patience < 1:
            raise InvalidValueError(
                f"Patience of {self.patience} trials.", expected="one or more, or none given"
            )

    def accuracy(self, network: nn.Module, chain: BoundChain | None = None) -> float:
        """Share of the spectra that the network names right; leaves it in training mode."""
        device = next(network.parameters()).device
        network.eval()
        right = 0
        with torch.inference_mode():
            for counts, classes in zip(
                self.counts.split(_CHUNK), self.classes.split(_CHUNK), strict=True
            ):
                inputs = network_inputs(counts.to(device), chain)
                named = network(*inputs).argmax(dim=1)
                right += int((named.cpu() == classes).sum())
        network.train()
        return right / len(self.classes)


class KeepBest(Callback):
    """Gives the network, at the end, the weights with which it was best in validation.

    Of equal ones the last, which have seen most. Training is stopped when the validation's patience
    is at its end.
    """

    def __init__(
        self, network: nn.Module, validation: Validation, chain: BoundChain | None = None
    ) -> None:
        self.network = network
        self.chain = chain
        self.validation = validation
        self.best = -1.0
        self.waited = 0
        self.weights: dict[str, Tensor] = {}

    def on_train_batch_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule, *_: object
    ) -> None:
        """Try the network when it is time."""
        if trainer.global_step % self.validation.every:
            return
        accuracy = self.validation.accuracy(self.network, self.chain)
        module.log("validation_accuracy", accuracy)
        self.waited = 0 if accuracy > self.best else self.waited + 1
        if self.validation.patience is not None and self.waited >= self.validation.patience:
            trainer.should_stop = True
        if accuracy >= self.best:
            self.best = accuracy
            self.weights = {
                name: value.detach().cpu().clone()
                for name, value in self.network.state_dict().items()
            }

    def on_train_end(self, *_: object) -> None:
        """Put the best weights back."""
        if self.weights:
            self.network.load_state_dict(self.weights)

    def state_dict(self) -> dict[str, Any]:
        """What a run that is cut off must keep of this."""
        return {"best": self.best, "waited": self.waited, "weights": self.weights}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from it."""
        self.best, self.weights = state_dict["best"], state_dict["weights"]
        self.waited = state_dict["waited"]
