"""What a training run that was cut off left behind."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Protocol

import torch

from lithoscope.errors import CheckpointError


class Resumable(Protocol):
    """What is trained, and what a run that goes on must have in common with it."""

    identity: dict[str, str]


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
