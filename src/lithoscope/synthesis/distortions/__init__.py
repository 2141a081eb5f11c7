"""What makes measured spectra differ from ideal ones, one class each."""

from __future__ import annotations

from collections.abc import Mapping

from lithoscope.errors import InvalidValueError, nearest_names
from lithoscope.synthesis.distortions.air import Air
from lithoscope.synthesis.distortions.background import Background
from lithoscope.synthesis.distortions.base import Distortion
from lithoscope.synthesis.distortions.bragg import Bragg
from lithoscope.synthesis.distortions.channels import Channels
from lithoscope.synthesis.distortions.coherent import Coherent
from lithoscope.synthesis.distortions.contamination import Contamination
from lithoscope.synthesis.distortions.energy import Energy
from lithoscope.synthesis.distortions.escape import Escape
from lithoscope.synthesis.distortions.grain_depth import GrainDepth
from lithoscope.synthesis.distortions.mixture import Mixture
from lithoscope.synthesis.distortions.optic import Optic
from lithoscope.synthesis.distortions.pile_up import PileUp
from lithoscope.synthesis.distortions.poisson import Poisson
from lithoscope.synthesis.distortions.resolution import Resolution
from lithoscope.synthesis.distortions.shadow import Shadow
from lithoscope.synthesis.distortions.stray import Stray
from lithoscope.synthesis.distortions.tail import Tail
from lithoscope.synthesis.distortions.thickness import Thickness
from lithoscope.synthesis.distortions.tilt import Tilt
from lithoscope.synthesis.distortions.tube_filter import TubeFilter
from lithoscope.synthesis.distortions.voltage import Voltage
from lithoscope.synthesis.distortions.zero_peak import ZeroPeak

# In the order in which they act: machine, sample, radiation, detector, electronics.
DISTORTIONS: tuple[type[Distortion], ...] = (
    Voltage,
    TubeFilter,
    Optic,
    Air,
    Resolution,
    Tail,
    Coherent,
    Thickness,
    Tilt,
    Mixture,
    GrainDepth,
    Contamination,
    Shadow,
    Background,
    Stray,
    Bragg,
    Escape,
    PileUp,
    ZeroPeak,
    Energy,
    Channels,
    Poisson,
)
NAMES = tuple(kind.name for kind in DISTORTIONS)


def distortions_from_severities(severities: Mapping[str, float]) -> tuple[Distortion, ...]:
    """Make distortions by name and severity, in the order in which they act.

    Those of severity 0 are left out.

    Raises
    ------
    InvalidValueError
        If a name is unknown, or a severity is not between 0 and 5.
    """
    for name in severities:
        if name not in NAMES:
            near = nearest_names(name, NAMES)
            raise InvalidValueError(
                f"There is no distortion '{name}'.",
                expected=f"one of {', '.join(near or NAMES)}",
            )
    made = [kind(severities[kind.name]) for kind in DISTORTIONS if kind.name in severities]
    return tuple(distortion for distortion in made if distortion.severity > 0)
