"""Fit anew what belongs to a network's weights, after finetuning has moved them."""

from __future__ import annotations

from pydantic import ValidationError

from lithoscope.errors import CheckpointError
from lithoscope.models.checkpoint import Checkpoint
from lithoscope.workflows.calibrate import with_calibration
from lithoscope.workflows.fit_unknown import with_detector
from lithoscope.workflows.model_spectra import spectra_of_model
from lithoscope.workflows.new_model import Progress

# Simulated spectra at each level of counts, a third of what `train` takes: whoever finetunes waits.
_SPECTRA = 4096
_MOST_OF_CLASS = 100

MISSING = (
    "Calibration and detector of the unknown were not fitted anew, since {reason}. So `confidence` "
    "is as the network says it, --coverage and --false-alarms are refused, and `unknown` in `map` "
    "rests on the network's energy alone, which finds less."
)


def refitted(checkpoint: Checkpoint, progress: Progress) -> tuple[Checkpoint, tuple[str, ...]]:
    """Return a model with calibration and detector of its own, and what is to be said of them.

    Both are fitted to simulated spectra of the model's own condition, on machines drawn anew.

    Parameters
    ----------
    checkpoint
        A model whose weights have changed.
    progress
        Called with stage, steps done, steps in all, and a remark.
    """
    try:
        spectra = spectra_of_model(checkpoint)
    except (CheckpointError, ValidationError):
        reason = "the card of the model it began from lacks the recipe of its spectra"
        return checkpoint, (MISSING.format(reason=reason),)
    count = min(_SPECTRA, _MOST_OF_CLASS * len(checkpoint.labels))
    calibrated = with_calibration(checkpoint, spectra, progress, count=count)
    return with_detector(calibrated, spectra, progress, count=count), (
        "Calibration and detector of the unknown were fitted anew, to simulated spectra alone: "
        "what they say of measured ones is as good as the simulation.",
    )
