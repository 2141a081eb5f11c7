"""How much a study simulates, and how long it may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StudySize:
    """How much is simulated.

    Parameters
    ----------
    name
        ``full`` or ``quick``.
    spectra
        On which a network is trained, before an arm's share of it.
    tested
        Spectra at each level under each condition.
    each_class
        Spectra of a class that classical learners are fitted to.
    machines, per_machine
        Machines of a generation to train on, and spectra of each.
    test_machines
        Machines of a test.
    corrupted
        Spectra at each severity of each distortion.
    templates
        Expected spectra of a class, for the ceiling.
    severities
        Severities of distortions that errors are measured at.
    groups
        Minerals whose classes are learnt; all of the shipped model's where there are none.
    rows
        Rows and columns of a phantom.
    draws
        Draws of each measured spectrum at each level.
    limit_s
        Longest time of a run, of the processor: more than twice what runs take on a usual one.
    """

    name: str
    spectra: int
    tested: int
    each_class: int
    machines: int
    per_machine: int
    test_machines: int
    corrupted: int
    templates: int
    severities: tuple[int, ...]
    groups: tuple[str, ...]
    rows: int
    draws: int
    limit_s: float

    def __str__(self) -> str:
        return f"{self.name}-{self.spectra}-{self.tested}"

    @property
    def is_quick(self) -> bool:
        """Whether this tests the machinery and not the questions."""
        return self.name == "quick"


FULL = StudySize(
    "full", 250_000, 5_000, 60, 24, 512, 32, 1_000, 512, (1, 2, 3, 4, 5), (), 96, 300, 1200.0
)
# Minerals of the measured and of XMI-MSIM's spectra, and of a granite.
_ORES_AND_ROCK = ("quartz", "orthoclase", "calcite", "chalcopyrite", "zircon", "galena", "albite")
_MEASURED = ("acrylic", "chromium", "nickel", "sulfur", "silicon", "tin", "titanium", "zirconium")
_QUICK_MINERALS = (*_ORES_AND_ROCK, *_MEASURED, "annite")
QUICK = StudySize(
    "quick",
    2_560,
    200,
    20,
    2,
    1_280,
    2,
    200,
    16,
    (2, 4),
    _QUICK_MINERALS,
    12,
    20,
    120.0,
)
