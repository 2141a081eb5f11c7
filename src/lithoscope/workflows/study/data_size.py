"""What more spectra bring: a figure over their number, and sentences."""

from __future__ import annotations

from collections.abc import Iterator

from lithoscope.figures.study_plots import curves_figure
from lithoscope.report.study_page import Block
from lithoscope.workflows.study.pictures import picture
from lithoscope.workflows.study.results import ArmResults, spread

# Shares named right by the number of spectra that a network was fitted to.
BySpectra = dict[int, list[float]]
_SIZE_AND_LEARNER = ("spectra_share", "learner")


def shares_by_spectra(results: ArmResults, condition: str, level: str) -> dict[str, BySpectra]:
    """Shares named right by learner and spectra seen; nothing of arms whose cases differ in more.

    Parameters
    ----------
    results
        The arm's.
    condition, level
        Under which, and at which counts.
    """
    cases = results.arm.cases()
    others = [
        {key: value for key, value in case.training().items() if key not in _SIZE_AND_LEARNER}
        for case in cases.values()
    ]
    found: dict[str, BySpectra] = {}
    if any(other != others[0] for other in others):
        return found
    for name, lines in results.lines.items():
        values = results.values(name, "accuracy", condition, level)
        if values:
            found.setdefault(cases[name].learner, {})[lines[0].spectra] = values
    return {learner: by_spectra for learner, by_spectra in found.items() if len(by_spectra) > 1}


def data_size_blocks(results: ArmResults) -> Iterator[Block]:
    """One figure for each condition, with a curve for each learner and level."""
    columns = results.columns()
    for condition in dict.fromkeys(one for one, _ in columns):
        curves = {
            f"{learner}, {float(level):,.0f} counts": {
                float(spectra): spread([100 * value for value in values])
                for spectra, values in by_spectra.items()
            }
            for one, level in columns
            if one == condition
            for learner, by_spectra in shares_by_spectra(results, condition, level).items()
        }
        if curves:
            figure = curves_figure(
                curves, x_label="spectra seen", y_label="named right, %", title=results.arm.title
            )
            caption = f"Share named right under '{condition}' by spectra seen; own simulation."
            yield picture(results, f"spectra-{condition}", figure, caption)


def data_size_sentences(results: ArmResults, level: str) -> Iterator[str]:
    """What the fewest and the most spectra gave, and what the last step brought."""
    for condition in dict.fromkeys(one for one, _ in results.columns()):
        for learner, by_spectra in shares_by_spectra(results, condition, level).items():
            sizes = sorted(by_spectra)
            share = {size: 100 * spread(by_spectra[size])[0] for size in sizes}
            steps = ", ".join(f"{share[size]:.1f} % of {size:,}" for size in sizes)
            yield (
                f"{learner}, {condition}, {float(level):,.0f} counts, by spectra seen: {steps}; "
                f"the last step, {sizes[-1] / sizes[-2]:.1f} times as many, is "
                f"{share[sizes[-1]] - share[sizes[-2]]:+.1f} points."
            )
