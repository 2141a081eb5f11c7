"""The report: every arm's tables and figures, what follows from them, and what is missing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from lithoscope.report.study_page import (
    Block,
    Heading,
    Paragraph,
    Points,
    StudyTable,
    write_study_pages,
)
from lithoscope.workflows.provenance import versions
from lithoscope.workflows.study.arm import Arm
from lithoscope.workflows.study.blocks import blocks_of_arm
from lithoscope.workflows.study.conclusions import RULES, conclusions
from lithoscope.workflows.study.phantom_blocks import MAP_RULES
from lithoscope.workflows.study.results import ArmResults
from lithoscope.workflows.study.runs import Run, RunLine, simulator_version
from lithoscope.workflows.study.size import StudySize
from lithoscope.workflows.study.spectra import labels
from lithoscope.workflows.study.trust import TRUST_RULES

_QUICK = (
    "A quick study: all arms at toy size, as a test of the machinery. No number here answers a "
    "question."
)
# What the issue asks for and no public function gives yet.
NOT_BUILT = (
    "cost on a GPU beside that on a CPU: a run uses a GPU where there is one, and says so; the "
    "same run is not done on both",
)
_ABOUT = (
    "Accuracies are shares named right in percent, means ± standard deviations over seeds where "
    "there are several, by total counts. All but the measured spectra of carrying over are "
    "Lithoscope's own simulation: {classes} classes, balanced, on compositions and machines that "
    "nothing was fitted to ({tested:,} spectra at each level, whose standard error is up to "
    "{error:.1f} points). Networks were trained on {spectra:,} spectra unless a case says "
    "otherwise; classical ways were fitted to at most {each} spectra of each class of the same "
    "stream. 'poisson' is single thick minerals on the machine as described with counting noise; "
    "'realistic' has every distortion at severity 2, 'harsh' at 4; 'bragg@2' is noise and that "
    "distortion at that severity. Best possible is the posterior under the generator, as a bracket "
    "where templates do not suffice. Tests always have all of the physics."
)


def write_report(
    folder: Path,
    arms: dict[str, Arm],
    found: dict[Run, RunLine | None],
    size: StudySize,
    stale: Collection[Run] = (),
) -> Path:
    """Write both pages and their figures from the lines that are there; return the HTML one."""
    all_results = [ArmResults.of(name, arm, found, stale) for name, arm in arms.items()]
    networks = next((one for one in all_results if one.name == "networks"), None)
    about = _ABOUT.format(
        classes=len(labels(size)),
        tested=size.tested,
        error=100 * (0.25 / size.tested) ** 0.5,
        spectra=size.spectra,
        each=size.each_class,
    )
    blocks: list[Block] = [Paragraph(about), Heading("Conclusions"), Paragraph(RULES)]
    blocks += [Paragraph(TRUST_RULES), Paragraph(MAP_RULES)]
    for results in all_results:
        if sentences := conclusions(results, size):
            blocks += [Heading(results.arm.question, level=3), Points(sentences)]
    for results in all_results:
        blocks += [Heading(results.arm.title), Paragraph(results.arm.question)]
        blocks += blocks_of_arm(results, networks) if results.lines else []
        if not results.lines:
            blocks.append(Paragraph("Not run yet."))
    blocks += [Heading("How long it took"), _durations(all_results)]
    missing = [text for one in all_results for text in one.missing]
    blocks += [Heading("Missing"), Points([*NOT_BUILT, *missing]), Heading("Made with")]
    made = {**versions(), "simulator and library": simulator_version()}
    blocks.append(Points([f"{name} {version}" for name, version in made.items()]))
    title = "Quick study" if size.is_quick else "Study"
    banner = _QUICK if size.is_quick else ""
    return write_study_pages(folder, title=title, banner=banner, blocks=blocks)[0]


def _durations(all_results: Sequence[ArmResults]) -> Block:
    rows, hours = [], 0.0
    for one in all_results:
        lines = [line for found in one.lines.values() for line in found]
        # What another arm did before is not counted twice.
        own = [line for line in lines if not line.copied]
        spent = sum(line.processor_s for line in own) / 3600
        hours += spent
        fitted = sum(not line.shared for line in own)
        longest = max((line.processor_s for line in own), default=0.0)
        rows.append([one.name, str(len(lines)), str(fitted), f"{longest:,.0f}", f"{spent:.2f}"])
    rows.append(["all", "", "", "", f"{hours:.2f}"])
    heads = [
        "arm",
        "runs done",
        "of them fitted",
        "longest, s of processor",
        "all, hours of processor",
    ]
    return StudyTable(heads, rows)
