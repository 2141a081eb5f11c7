"""The steps that a chain can be made of, by the names users give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lithoscope.errors import PreprocessingError, nearest_names
from lithoscope.preprocess.baselines import AsymmetricLeastSquares, Morphology
from lithoscope.preprocess.network_inputs import NetworkInputs
from lithoscope.preprocess.normalise import Normalise
from lithoscope.preprocess.pca import Pca
from lithoscope.preprocess.rebin import Rebin
from lithoscope.preprocess.savgol import SavitzkyGolay
from lithoscope.preprocess.snip import Snip
from lithoscope.preprocess.standardise import Standardise
from lithoscope.preprocess.step import Step
from lithoscope.preprocess.vae import Vae
from lithoscope.preprocess.wavelet import Wavelet

STEPS: dict[str, type[Step]] = {
    kind.name: kind
    for kind in (
        Rebin,
        Snip,
        AsymmetricLeastSquares,
        Morphology,
        Normalise,
        Standardise,
        Wavelet,
        SavitzkyGolay,
        Pca,
        Vae,
        NetworkInputs,
    )
}
# What people also call them.
_ALIASES = {"baseline": Snip.name, "normalize": Normalise.name}


def step_from_description(description: object) -> Step:
    """Make a step of its name, or of a mapping with ``step`` and parameters.

    Raises
    ------
    PreprocessingError
        If there is no such step or parameter, or a value does not fit.
    """
    if isinstance(description, str):
        description = {"step": description}
    if not isinstance(description, Mapping) or not isinstance(description.get("step"), str):
        raise PreprocessingError(
            f"A step is given as {str(description)[:80]!r}.",
            expected="a name such as snip, or {step: snip, half_width_fwhm: 2}",
        )
    parameters: dict[str, Any] = {str(key): value for key, value in description.items()}
    name = parameters.pop("step")
    name = _ALIASES.get(name, name)
    if name not in STEPS:
        near = nearest_names(name, [*STEPS, *_ALIASES])
        raise PreprocessingError(
            f"There is no preprocessing step '{name[:40]}'.",
            expected="one of " + ", ".join(near or STEPS),
        )
    return STEPS[name].from_parameters(parameters)
