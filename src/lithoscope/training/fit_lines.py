"""Fit a network to the net counts of lines that a stream tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor

from lithoscope.errors import InvalidValueError
from lithoscope.models.inputs import network_inputs
from lithoscope.models.networks.cnn_lines import CnnLines, deviance_of_shares
from lithoscope.synthesis.stream import SpectrumStream
from lithoscope.training.loop import FitSettings, one_cycle_adamw, run_training
from lithoscope.training.state import step_of_state

_STATE, _KEPT_EVERY = "state.ckpt", 200


@dataclass(frozen=True, eq=False)
class _SharesBatch:
    """Counts, and in the place of classes the shares of groups, the rest, and the total."""

    counts: Tensor
    classes: Tensor


class LineBatches:
    """A stream's batches with shares of groups of lines as what is to be learnt.

    Parameters
    ----------
    stream
        Made with ``lines=True``.

    Raises
    ------
    InvalidValueError
        If it was not.
    """

    def __init__(self, stream: SpectrumStream) -> None:
        if not stream.line_groups:
            raise InvalidValueError(
                "A stream without net counts of lines.",
                expected="SpectrumStream(..., lines=True)",
            )
        self.stream, self.labels = stream, stream.labels
        self.condition, self.seed = stream.condition, stream.seed

    def batch(self, number: int) -> _SharesBatch:
        """Return the batch of this number; its `classes` are shares and totals together."""
        made = self.stream.batch(number)
        assert made.lines is not None
        shares = made.lines / made.totals[:, None]
        rest = (1 - shares.sum(dim=1, keepdim=True)).clamp_min(0)
        return _SharesBatch(made.counts, torch.cat([shares, rest, made.totals[:, None]], dim=1))


class LineRegressor(lightning.LightningModule):
    """The network's deviance on simulated spectra, AdamW, one cycle of the learning rate."""

    def __init__(self, network: CnnLines, settings: FitSettings, identity: dict[str, str]) -> None:
        super().__init__()
        self.network, self.settings, self.identity = network, settings, identity

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Say in a state which run it is of."""
        checkpoint["lithoscope"] = self.identity

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        """Return the loss of one batch."""
        counts, truth = batch
        loss = deviance_of_shares(
            self.network(*network_inputs(counts)), truth[:, :-1], truth[:, -1]
        )
        self.log("loss", loss)
        return loss

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Return AdamW with its one-cycle schedule."""
        return one_cycle_adamw(self.network, self.settings)


def fit_lines(
    network: CnnLines,
    stream: SpectrumStream,
    settings: FitSettings,
    *,
    log_folder: Path,
    progress: Callable[[int, float], None] = lambda seen, accuracy: None,
) -> None:
    """Fit a network in place; go on where an earlier run of the same settings was cut off.

    Parameters
    ----------
    network
        Freshly seeded network, with an output for each of the stream's groups.
    stream
        Made with ``lines=True``, in batches of the same size as in `settings`.
    settings
        Budget and optimiser.
    log_folder
        Where the loss is logged, and the state is kept until the run is over.
    progress
        Called after each step with spectra seen, and 0.

    Raises
    ------
    InvalidValueError
        If the stream tells no net counts, or of other groups than the network has outputs for.
    CheckpointError
        If the state in `log_folder` is of another run.
    """
    batches = LineBatches(stream)
    if network.trunk.head.out_features != len(stream.line_groups) + 1:
        raise InvalidValueError(
            f"A network of {network.trunk.head.out_features} outputs for "
            f"{len(stream.line_groups)} groups of lines.",
            expected="one for each group, and one for the rest",
        )
    identity = {
        "network": type(network).__name__,
        "settings": str(settings),
        "condition": str(stream.condition),
        "groups": " ".join(map(str, stream.line_groups)),
        "seed": str(stream.seed),
    }
    module, kept = LineRegressor(network, settings, identity), log_folder / _STATE
    first = step_of_state(kept, module) if kept.is_file() else 0
    keeper = ModelCheckpoint(
        dirpath=log_folder,
        filename=kept.stem,
        every_n_train_steps=_KEPT_EVERY,
        enable_version_counter=False,
    )
    run_training(
        module,
        batches,
        settings,
        log_folder=log_folder,
        callbacks=[keeper],
        goes_on_from=(kept, first) if first else None,
        progress=progress,
    )
    kept.unlink(missing_ok=True)
    network.eval()
