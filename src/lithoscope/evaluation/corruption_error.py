"""Robustness in one number, as ImageNet-C has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lithoscope.errors import InvalidValueError

Errors = Mapping[str, Sequence[float]]


def corruption_errors(errors: Errors, reference: Errors) -> dict[str, float]:
    """Error under each distortion, in units of a reference classifier's.

    ``CE_c = sum_s E_cs / sum_s R_cs`` over severities s (Hendrycks and Dietterich 2019, ICLR,
    section 4.2), with errors E and the reference's R on the same spectra.

    Parameters
    ----------
    errors, reference
        By distortion, the share named wrong at each severity.

    Raises
    ------
    InvalidValueError
        If distortions or severities differ, or the reference makes no errors.
    """
    if not errors or errors.keys() != reference.keys():
        raise InvalidValueError(
            f"Errors under {sorted(errors)} and {sorted(reference)}.", expected="the same"
        )
    found = {}
    for name, own in errors.items():
        theirs = reference[name]
        if len(own) != len(theirs) or not sum(theirs) > 0:
            raise InvalidValueError(
                f"{name}: {len(own)} severities against {len(theirs)}, {sum(theirs):g} in all.",
                expected="as many, and a reference that is sometimes wrong",
            )
        found[name] = float(np.sum(own) / np.sum(theirs))
    return found


def mean_corruption_error(errors: Errors, reference: Errors) -> float:
    """Mean of `corruption_errors` over distortions; 1 is as robust as the reference."""
    return float(np.mean(list(corruption_errors(errors, reference).values())))
