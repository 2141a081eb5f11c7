"""Named conditions: which distortions act, how strongly, and how many counts there are."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field

from lithoscope.errors import InvalidValueError, nearest_names
from lithoscope.synthesis.distortions import NAMES, distortions_from_severities
from lithoscope.synthesis.distortions.base import Distortion

# Severity of everything at once: as on real machines, and worse.
_REALISTIC, _HARSH = 2.0, 4.0
DEFAULT_COUNTS = (30.0, 1e6)


@dataclass(frozen=True)
class Condition:
    """How simulated spectra are measured.

    Parameters
    ----------
    name
        What it is called.
    severities
        Severity by distortion; those left out do not act.
    counts
        Lowest and highest expected total counts on the target axis, zero peak left out; drawn
        log-uniformly.
    """

    name: str
    severities: Mapping[str, float] = field(default_factory=dict)
    counts: tuple[float, float] = DEFAULT_COUNTS

    def __post_init__(self) -> None:
        low, high = self.counts
        if not 1 <= low <= high <= 1e9:
            raise InvalidValueError(
                f"Counts from {low} to {high}.", expected="1 <= low <= high <= 1e9"
            )
        self.distortions  # noqa: B018  (making them checks every severity)

    @functools.cached_property
    def distortions(self) -> tuple[Distortion, ...]:
        """The distortions that act, in order."""
        return distortions_from_severities(self.severities)

    def at(self, counts: float) -> Condition:
        """Return the same condition at one count level."""
        return Condition(self.name, self.severities, (counts, counts))

    def with_severities(self, severities: Mapping[str, float]) -> Condition:
        """Return the condition with some severities changed, under a name that says so."""
        changed = ",".join(f"{name}={value:g}" for name, value in severities.items())
        name = f"{self.name}+{changed}" if changed else self.name
        return Condition(name, {**self.severities, **severities}, self.counts)


CONDITIONS: dict[str, Condition] = {
    "ideal": Condition("ideal"),
    "poisson": Condition("poisson", {"poisson": _REALISTIC}),
    "calibration": Condition("calibration", {"poisson": _REALISTIC, "energy": _REALISTIC}),
    "bragg": Condition("bragg", {"poisson": _REALISTIC, "bragg": _REALISTIC}),
    "realistic": Condition("realistic", dict.fromkeys(NAMES, _REALISTIC)),
    "harsh": Condition("harsh", dict.fromkeys(NAMES, _HARSH)),
}


def find_condition(name: str) -> Condition:
    """Return a condition by name.

    Besides the named ones, ``DISTORTION@SEVERITY`` stands for counting noise and one distortion,
    such as ``bragg@3``.

    Raises
    ------
    InvalidValueError
        If there is none of that name, or the severity is out of range.
    """
    if name in CONDITIONS:
        return CONDITIONS[name]
    distortion, at, severity = name.partition("@")
    if at:
        try:
            value = float(severity)
        except ValueError:
            raise InvalidValueError(
                f"'{severity}' is no severity.", expected="a number from 0 to 5, as in bragg@3"
            ) from None
        return Condition(name, {"poisson": _REALISTIC, distortion: value})
    near = nearest_names(name, CONDITIONS)
    raise InvalidValueError(
        f"There is no condition '{name}'.",
        expected=f"one of {', '.join(near or CONDITIONS)}, or a distortion and its severity, "
        "as in bragg@3",
    )
