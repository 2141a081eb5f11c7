"""How well an instrument is known: what no header tells, and what drifts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lithoscope.core.instrument import Detector, Instrument
from lithoscope.errors import InvalidValueError
from lithoscope.synthesis.distortions.optic import K_LINE_SPREAD, OPTIC_SPREADS

_DETECTOR_PARAMETERS = ("resolution", "window", "background")


@dataclass(frozen=True)
class CalibrationUncertainty:
    """What is uncertain about an instrument, as standard deviations.

    The defaults are what stays after a calibration on the scan's own peaks; a model is trained
    over wider ranges (`synthesis.distortions`), to be robust rather than to be sharp.

    Parameters
    ----------
    gain
        Of the energy gain, relative.
    offset_keV
        Of the energy offset in keV.
    resolution
        Of the width of peaks, relative.
    window
        Of the thickness of the detector's window, relative.
    background
        Of the logarithm of the detector's tail and shelf.
    optic
        Of the lens and of the tube's K lines, as a multiple of how machines of one make differ
        (`distortions.optic.OPTIC_SPREADS`).
    """

    gain: float = 1e-3
    offset_keV: float = 5e-3
    resolution: float = 0.02
    window: float = 0.05
    background: float = 0.2
    optic: float = 1.0

    def __post_init__(self) -> None:
        highest = {"gain": 0.05, "offset_keV": 0.1, "resolution": 0.5, "optic": 5.0}
        for field in dataclasses.fields(self):
            value, limit = getattr(self, field.name), highest.get(field.name, 1.0)
            if not 0 <= value <= limit:
                raise InvalidValueError(
                    f"An uncertainty of the {field.name} of {value}.", expected=f"0 to {limit:g}"
                )

    def parameters(self, instrument: Instrument) -> tuple[str, ...]:
        """Names of what `vary` can change about an instrument."""
        lens = tuple(OPTIC_SPREADS) if instrument.optic is not None else ()
        return ("k_line", *lens, *_DETECTOR_PARAMETERS)

    def vary(self, instrument: Instrument, deviates: Mapping[str, float]) -> Instrument:
        """Return the instrument with parameters moved by so many standard deviations.

        Parameters
        ----------
        instrument
            The instrument.
        deviates
            Standard deviations by `parameters`; what is left out stays. All are log-normal.
        """

        def factor(name: str, spread: float) -> float:
            return float(np.exp(spread * deviates.get(name, 0.0)))

        tube = dataclasses.replace(
            instrument.tube,
            k_line_factor=instrument.tube.k_line_factor
            * factor("k_line", self.optic * K_LINE_SPREAD),
        )
        optic = instrument.optic
        if optic is not None:
            moved = {
                name: getattr(optic, name) * factor(name, self.optic * spread)
                for name, spread in OPTIC_SPREADS.items()
            }
            # Far out in the tails the fall could be slower than the rise, which is no lens.
            moved["steepness"] = max(moved["steepness"], 1.05 * moved["rise"])
            optic = dataclasses.replace(optic, **moved)
        detector = _varied_detector(
            instrument.detector,
            width=factor("resolution", self.resolution),
            window=factor("window", self.window),
            background=factor("background", self.background),
        )
        return dataclasses.replace(instrument, tube=tube, optic=optic, detector=detector)


def _varied_detector(
    detector: Detector, *, width: float, window: float, background: float
) -> Detector:
    layers = tuple(
        dataclasses.replace(layer, thickness_um=layer.thickness_um * window)
        for layer in detector.window
    )
    return dataclasses.replace(
        detector,
        noise_keV=detector.noise_keV * width,
        fano=detector.fano * width**2,
        window=layers,
        tail_fraction=min(detector.tail_fraction * background, 0.49),
        shelf_fraction=min(detector.shelf_fraction * background, 0.49),
        electron_loss=detector.electron_loss * background,
    )
