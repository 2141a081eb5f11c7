"""Hold the library's sampled compositions against measured analyses of GEOROC.

    python benchmarks/library_chemistry.py --data /work/shared/data/chemistry/georoc_analyses.csv

prints what was held and writes docs/chemistry.md, docs/tables/chemistry.csv (mineral by oxide)
and docs/tables/chemistry_rejects.csv (analyses that are not what their label says). With --keep
FILE it stores the analyses that were kept, as the tests use them.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from calibration import analytical_errors, expected_verdicts

from lithoscope.core.elements import atomic_weight
from lithoscope.core.mineral import Mineral
from lithoscope.minerals import load_library
from lithoscope.minerals.measured import (
    OXIDES,
    analysed_elements,
    held_shares,
    is_sulfide,
    measured_columns,
    oxide_factor,
)

HERE = Path(__file__).parent
LEAST_ANALYSES = 6
HELD_FROM, HELD_TO = 0.75, 0.97
HEADER = ["mineral", "constituent", "analyses", "share_held", "verdict"]
HEADER += ["sampled_5", "sampled_95", "measured_5", "measured_50", "measured_95"]
# Labels of the table that are another name of an entry, beyond the library's aliases.
SYNONYMS = {"TITANITE (SPHENE)": "titanite", "APATITE": "fluorapatite"}


@dataclass(frozen=True)
class Window:
    """Bounds on a ratio of atoms, and who says so."""

    part: tuple[str, ...]
    whole: tuple[str, ...]
    low: float
    high: float
    source: str

    def fault(self, atoms: dict[str, float]) -> str:
        """Say why an analysis is not of the mineral; empty if it can be."""
        whole = sum(atoms.get(symbol, 0.0) for symbol in self.whole)
        share = sum(atoms.get(symbol, 0.0) for symbol in self.part) / whole if whole else np.nan
        if self.low <= share <= self.high:
            return ""
        ratio = f"{'+'.join(self.part)}/({'+'.join(self.whole)})"
        return f"{ratio} is {share:.3f}, not {self.low:g} to {self.high:g} ({self.source})"


@dataclass(frozen=True)
class Analysis:
    """One row of the table: where it stands, and its elements in mass %."""

    line: int
    label: str
    percent: dict[str, float]

    @property
    def atoms(self) -> dict[str, float]:
        """Relative numbers of atoms."""
        return {symbol: mass / atomic_weight(symbol) for symbol, mass in self.percent.items()}


def read_windows() -> dict[str, list[Window]]:
    windows = defaultdict(list)
    text = (HERE / "data" / "composition_windows.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(line for line in text.splitlines() if not line.startswith("#")):
        windows[row["mineral"]].append(
            Window(
                tuple(row["part"].split()),
                tuple(row["whole"].split()),
                float(row["low"]),
                float(row["high"]),
                row["source"],
            )
        )
    return windows


def read_analyses(path: Path) -> Iterator[tuple[Mineral, Analysis]]:
    """Yield the rows whose label is an entry of the library."""
    library = load_library()
    columns = {formula.upper().replace("FEO", "FEOT"): symbol for symbol, formula in OXIDES.items()}
    with path.open(encoding="latin-1", newline="") as file:
        reader = csv.DictReader(file)
        for row in reader:
            name = SYNONYMS.get(row["MINERAL"], row["MINERAL"])
            if name not in library:
                continue
            percent = {
                symbol: float(row[column] or 0) / oxide_factor(symbol)
                for column, symbol in columns.items()
            }
            percent |= {"S": float(row["S"] or 0), "As": float(row["AS"] or 0)}
            yield library.get(name), Analysis(reader.line_num, row["MINERAL"], percent)


def own_values(mineral: Mineral, analysis: Analysis) -> list[float]:
    """Oxides, or elements of a sulfide, in the order of `analysed_elements`."""
    return [
        analysis.percent[symbol] * (1.0 if is_sulfide(mineral) else oxide_factor(symbol))
        for symbol in analysed_elements(mineral)
    ]


def sort_out(
    rows: Iterator[tuple[Mineral, Analysis]],
) -> tuple[dict[str, list[Analysis]], list[tuple[Mineral, Analysis, str]]]:
    """Part the analyses into those within their mineral's windows, and rejects with the reason."""
    windows = read_windows()
    kept = defaultdict(list)
    rejects = []
    for mineral, analysis in rows:
        faults = [
            fault for w in windows.get(mineral.name, ()) if (fault := w.fault(analysis.atoms))
        ]
        if mineral.name not in windows:
            faults = ["no window is published for it here"]
        if faults:
            rejects.append((mineral, analysis, faults[0]))
        else:
            kept[mineral.name].append(analysis)
    return kept, rejects


def write_rows(path: Path, header: list[str], rows: list[list[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([header, *rows])


def keep_analyses(path: Path, kept: dict[str, list[Analysis]]) -> None:
    library = load_library()
    rows = [
        [name, symbol, " ".join(f"{value:.4g}" for value in values)]
        for name in sorted(kept)
        if len(kept[name]) >= LEAST_ANALYSES
        for symbol, values in zip(
            analysed_elements(library.get(name)),
            np.transpose([own_values(library.get(name), analysis) for analysis in kept[name]]),
            strict=True,
        )
    ]
    write_rows(path, ["mineral", "element", "mass_percent"], rows)


PAGE = """\
# How near sampled compositions come to measured ones

Written by `python benchmarks/library_chemistry.py --data georoc_analyses.csv`; why it is done so
stands in [decision 0010](decisions/0010-mineral-library.md).

GEOROC's analyses of minerals in the library ({kept} kept, {rejected} rejected by a window of
nomenclature or stoichiometry, [listed here](tables/chemistry_rejects.csv)) against the library's
sampled compositions, oxide by oxide (element by element in sulfides), in percent of what is
analysed. An oxide is *held* if the central 90 % of the sampled values hold 75 to 97 % of the
measured ones; less is too narrow, more too wide. Only oxides of 1 % or more on average, sampled or
measured, and minerals of six analyses or more. The ranges were fitted to these same analyses.

| | held | too narrow | too wide |
|---|---|---|---|
| **{total} oxides of {minerals} minerals** | **{held}** | **{narrow}** | **{wide}** |
| perfect ranges, by the binomial | {expected[0]:.0f} | {expected[1]:.0f} | {expected[2]:.0f} |

Perfect ranges do not hold every oxide: of six analyses all six lie within their central 90 % more
often than not, and six of six counts as too wide. Ranges fitted to the analyses can score above the
second row, which fresh analyses would not let them. What does not depend on so few analyses:
**{pooled:.1%} of all {values} measured values lie within the central 90 %.**

The sampled values carry an error of 2 %. Ratios that crystal structures fix (Ca to Si in titanite)
scatter in these same analyses by {error:.1%} an oxide, the median of {ratios} minerals; the worst
by {worst:.1%}. [All numbers](tables/chemistry.csv).

| mineral | analyses | held | too narrow | too wide |
|---|---|---|---|---|
"""


def write_page(
    path: Path, table: list[list[object]], kept: dict[str, list[Analysis]], n_rejected: int
) -> None:
    verdicts = [row[4] for row in table]
    counts = [len(kept[str(row[0])]) for row in table]
    errors = analytical_errors({name: [a.atoms for a in kept[name]] for name in kept})
    text = PAGE.format(
        kept=sum(map(len, kept.values())),
        rejected=n_rejected,
        expected=expected_verdicts(counts, HELD_FROM, HELD_TO),
        pooled=pooled_coverage(table),
        values=sum(counts),
        error=np.median(errors),
        worst=errors.max(),
        ratios=len(errors),
        held=verdicts.count("held"),
        narrow=verdicts.count("too narrow"),
        wide=verdicts.count("too wide"),
        total=len(table),
        minerals=len({row[0] for row in table}),
    )
    for name in dict.fromkeys(row[0] for row in table):
        rows = [row for row in table if row[0] == name]
        cells = [
            ", ".join(str(row[1]) for row in rows if row[4] == verdict)
            for verdict in ("held", "too narrow", "too wide")
        ]
        text += f"| {name} | {rows[0][2]} | {' | '.join(cells)} |\n"
    path.write_text(text, encoding="utf-8")


def pooled_coverage(table: list[list[object]]) -> float:
    """Share of all measured values within the central 90 % of the sampled ones."""
    shares, counts = np.array([[float(str(row[3])), float(str(row[2]))] for row in table]).T
    return float(np.average(shares, weights=counts))


def verdict_of(share: float) -> str:
    if share < HELD_FROM:
        return "too narrow"
    return "too wide" if share > HELD_TO else "held"


def rows_of(name: str, analyses: list[Analysis]) -> list[list[object]]:
    """One row for each constituent of a mineral, as HEADER names the columns."""
    mineral = load_library().get(name)
    measured = np.array([own_values(mineral, analysis) for analysis in analyses])
    columns = measured_columns(mineral, measured)
    rows: list[list[object]] = []
    for held in held_shares(mineral, measured, np.random.default_rng(4)):
        spread = np.quantile(columns[held.constituent], [0.05, 0.5, 0.95])
        row = [name, held.constituent, len(analyses), f"{held.share:.4f}", verdict_of(held.share)]
        rows.append([*row, *(f"{value:.2f}" for value in (held.low, held.high, *spread))])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="georoc_analyses.csv")
    parser.add_argument("--out", type=Path, default=HERE.parent / "docs", help="folder")
    parser.add_argument("--keep", type=Path, help="store the analyses that were kept")
    args = parser.parse_args()
    kept, rejects = sort_out(read_analyses(args.data))
    enough = [name for name in sorted(kept) if len(kept[name]) >= LEAST_ANALYSES]
    table = [row for name in enough for row in rows_of(name, kept[name])]
    write_rows(args.out / "tables" / "chemistry.csv", HEADER, table)
    write_rows(
        args.out / "tables" / "chemistry_rejects.csv",
        ["line", "label", "entry", "why"],
        [[a.line, a.label, m.name, why] for m, a, why in rejects],
    )
    write_page(args.out / "chemistry.md", table, kept, len(rejects))
    if args.keep:
        keep_analyses(args.keep, kept)
    for row in table:
        print(" ".join(f"{value!s:>11}" for value in row))
    n_held = sum(row[4] == "held" for row in table)
    print(f"{sum(map(len, kept.values()))} analyses kept, {len(rejects)} rejected")
    print(f"{n_held} of {len(table)} oxides of {len({row[0] for row in table})} minerals are held")
    expected = expected_verdicts([len(kept[str(row[0])]) for row in table], HELD_FROM, HELD_TO)
    print("perfect ranges: {:.0f} held, {:.0f} too narrow, {:.0f} too wide".format(*expected))
    print(f"{pooled_coverage(table):.1%} of all measured values in the central 90 %")


if __name__ == "__main__":
    main()
