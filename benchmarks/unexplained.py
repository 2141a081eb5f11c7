"""What is said of peaks that no mineral explains and of mixtures, where the truth is known.

    python -m benchmarks.unexplained [--data ../shared/data] [-o docs/unexplained.md]

Own simulation on the `m4-tornado` with natural compositions, named by the shipped model, as
`lithoscope classify` does it; and measured pure elements (Bruker XS-52, NIST), with the truth, the
model's answer and all that is said. Some four minutes on one core.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.real_elements import TRUTH

from lithoscope.core.energy import EnergyAxis
from lithoscope.inference.expected_banks import ExpectedBanks
from lithoscope.inference.expected_fit import fit_expected
from lithoscope.inference.predict import Predictor, Scorer
from lithoscope.inference.residual import residual_deviance_from_fit
from lithoscope.io import load_instrument, open_spectra
from lithoscope.minerals import load_library
from lithoscope.models.checkpoint import Checkpoint, find_checkpoint
from lithoscope.physics.model_error import relative_model_error_from_energies
from lithoscope.synthesis.conditions import CONDITIONS
from lithoscope.synthesis.stream import SpectrumStream
from lithoscope.workflows.choose_instrument import InstrumentChoice
from lithoscope.workflows.classify import classify_spectra
from lithoscope.workflows.explain_spectrum import explained
from lithoscope.workflows.simulate import simulate

LEVELS = (300, 1_000, 3_000, 10_000, 100_000)
PURE = 12
FOREIGN = (
    ("quartz", "Cu"),
    ("calcite", "Pb"),
    ("albite", "Zn"),
    ("dolomite", "Zr"),
    ("quartz", "As"),
    ("muscovite", "W"),
)
MIXTURES = (
    ("quartz", "albite"),
    ("quartz", "orthoclase"),
    ("calcite", "dolomite"),
    ("calcite", "quartz"),
    ("pyrite", "quartz"),
    ("almandine", "muscovite"),
    ("albite", "magnetite"),
    ("forsterite", "diopside"),
    ("fluorapatite", "annite"),
    ("quartz", "epoxy"),
)
# Distortions that add peaks or minerals: without them every unexplained peak is a false one.
ADDING = ("contamination", "bragg", "stray", "mixture", "grain_depth", "background")


class Pipeline:
    """What `classify` does with a spectrum of the m4-tornado, from the model's axis on."""

    def __init__(self, axis: EnergyAxis) -> None:
        self.checkpoint: Checkpoint = find_checkpoint("default")
        self.axis = axis
        self.predictor = Predictor(self.checkpoint, axis)
        self.choice = InstrumentChoice(load_instrument("m4-tornado"), "option", "instrument")
        self.seconds: list[float] = []

    def __call__(self, counts: np.ndarray) -> dict[str, Any]:
        said = self.predictor(counts[None, :])
        return self.of_binned(
            self.predictor.binned(counts[None, :])[0], said.probabilities[0], self.axis
        )

    def of_binned(self, binned: np.ndarray, probabilities: np.ndarray, axis: EnergyAxis) -> Any:
        start = time.perf_counter()
        found = explained(
            binned,
            np.argsort(-probabilities).tolist(),
            checkpoint=self.checkpoint,
            choice=self.choice,
            axis=axis,
        )
        self.seconds.append(time.perf_counter() - start)
        return found

    def label(self, mineral: str) -> str:
        labels = self.checkpoint.labels
        return labels.labels[labels.index_of(mineral)]


def drawn(expected: np.ndarray, counts: float, rng: np.random.Generator) -> np.ndarray:
    return rng.poisson(expected * counts / expected.sum())


def pure(pipeline: Pipeline) -> list[str]:
    rng = np.random.default_rng(1)
    names = [group.members[0] for group in pipeline.checkpoint.labels]
    chosen = rng.choice(names, PURE, replace=False)
    expected = {
        name: simulate(str(name), sampled=True, seed=number).counts
        for number, name in enumerate(chosen)
    }
    lines = [
        "| counts | peaks a spectrum | with one or more | called a mixture | of the right "
        "mineral and others | elements named |",
        "|---:|---:|---:|---:|---:|---|",
    ]
    for level in LEVELS:
        peaks, mixed, with_truth, symbols = [], 0, 0, []
        for name, spectrum in expected.items():
            said = pipeline(drawn(spectrum, level, rng))
            peaks.append(len(said["unexplained"]))
            symbols += [f"{row['text']} in {name}" for row in said["unexplained"]]
            several = len(said["abundances"]) > 1
            mixed += several
            with_truth += several and pipeline.label(str(name)) in {
                row["mineral"] for row in said["abundances"]
            }
        lines.append(
            f"| {level:,} | {np.mean(peaks):.3f} | {np.mean(np.array(peaks) > 0):.1%} "
            f"| {mixed / PURE:.1%} | {with_truth / PURE:.1%} | {'; '.join(symbols[:3]) or '-'} |"
        )
    return lines


def distorted(pipeline: Pipeline) -> list[str]:
    checkpoint, base = pipeline.checkpoint, CONDITIONS["realistic"]
    condition = dataclasses.replace(
        base,
        severities={k: v for k, v in base.severities.items() if k not in ADDING},
    )
    library = load_library()
    stream = SpectrumStream(
        [library.get(name) for name in checkpoint.labels.members],
        checkpoint.labels,
        [load_instrument("m4-tornado")],
        condition,
        checkpoint.axis.edges_keV,
        batch_size=20,
        seed=99,
    )
    scorer = Scorer(checkpoint)
    lines = [
        "| counts | peaks a spectrum | with one or more | called a mixture |",
        "|---:|---:|---:|---:|",
    ]
    for level in (1_000, 10_000, 100_000):
        batch = stream.at(float(level)).batch(0)
        logits = scorer(batch.counts).numpy()
        said = [
            pipeline.of_binned(counts, row, pipeline.axis)
            for counts, row in zip(batch.counts.numpy(), logits, strict=True)
        ]
        peaks = np.array([len(one["unexplained"]) for one in said])
        mixed = np.mean([len(one["abundances"]) > 1 for one in said])
        lines.append(f"| {level:,} | {peaks.mean():.2f} | {np.mean(peaks > 0):.0%} | {mixed:.0%} |")
    return lines


def foreign(pipeline: Pipeline, draws: int = 2) -> list[str]:
    rng = np.random.default_rng(2)
    levels = (3_000, 100_000)
    lines = [
        "| mineral + element | share of counts | "
        + " | ".join(f"named / as a mineral / seen, {level:,}" for level in levels)
        + " |",
        "|---|---:|" + "---:|" * len(levels),
    ]
    for host, symbol in FOREIGN:
        one, other = simulate(host, sampled=True, seed=3).counts, simulate(symbol).counts
        for share in (0.01, 0.02, 0.05):
            mixed = (1 - share) * one / one.sum() + share * other / other.sum()
            cells = []
            for level in levels:
                named = mineral = seen = 0
                for _ in range(draws):
                    said = pipeline(drawn(mixed, level, rng))
                    seen += bool(said["unexplained"])
                    named += any(symbol in row["elements"] for row in said["unexplained"])
                    mineral += _holds(said["abundances"][1:], symbol)
                cells.append(f"{named}/{mineral}/{seen} of {draws}")
            lines.append(f"| {host} + {symbol} | {share:.0%} | " + " | ".join(cells) + " |")
    return lines


def _holds(parts: list[dict[str, Any]], symbol: str) -> bool:
    library = load_library()
    return any(symbol in library.get(part["members"][0]).composition.elements for part in parts)


def mixtures(pipeline: Pipeline) -> list[str]:
    rng = np.random.default_rng(4)
    lines = [
        "| counts | both right | one right, as a mixture | taken for one of the two "
        "| other | median error of share, both right | 90 % |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    wrong: list[str] = []
    for level in (1_000, 10_000, 100_000):
        errors, tally = [], np.zeros(4, dtype=int)
        for number, (first, second) in enumerate(MIXTURES):
            spectra = [
                simulate(name, sampled=True, seed=10 + number).counts for name in (first, second)
            ]
            truth = {pipeline.label(first), pipeline.label(second)}
            for share in (0.3, 0.6):
                mixed = share * spectra[0] + (1 - share) * spectra[1]
                parts = pipeline(drawn(mixed, level, rng))["abundances"]
                said = {part["mineral"]: part["share"] for part in parts}
                right = len(truth & set(said))
                if set(said) == truth:
                    tally[0] += 1
                    errors.append(abs(said[pipeline.label(first)] - share))
                elif right and len(said) > 1:
                    tally[1] += 1
                elif right:
                    tally[2] += 1
                else:
                    tally[3] += 1
                if set(said) != truth and level == 100_000:
                    wrong.append(
                        f"{share:.0%} {first} + {second}: "
                        + ", ".join(f"{value:.0%} {name}" for name, value in said.items())
                    )
        cells = " | ".join(f"{value / tally.sum():.0%}" for value in tally)
        lines.append(
            f"| {level:,} | {cells} | {np.median(errors):.3f} | {np.quantile(errors, 0.9):.3f} |"
        )
    return [*lines, "", "Not right at 100,000 counts: " + ("; ".join(wrong) or "none") + "."]


def measured(folder: Path, pipeline: Pipeline) -> list[str]:
    lines = [
        "| measured | counts | named | deviance per element | at 10,000 counts | explained as "
        "| unexplained |",
        "|---|---:|---|---:|---:|---|---|",
    ]
    checkpoint = pipeline.checkpoint
    edges = checkpoint.axis.edges_keV
    error = relative_model_error_from_energies(energies_keV=(edges[1:] + edges[:-1]) / 2)
    banks = ExpectedBanks(load_instrument("m4-tornado"), checkpoint.labels, edges)
    rng = np.random.default_rng(0)
    for stem, truth in TRUTH.items():
        spectrum = open_spectra(folder / f"{stem}.msa")[0]
        said = classify_spectra([spectrum], model=checkpoint)[0]
        whole = np.maximum(Predictor(checkpoint, spectrum.axis).binned(spectrum.counts[None])[0], 0)
        thin = rng.poisson(whole * 10_000 / whole.sum()).astype(float)
        deviances = []
        for counts in (whole.astype(float), thin):
            used = np.ones(counts.size, dtype=bool)
            fit = fit_expected(counts, banks, [checkpoint.labels.index_of(truth)], used=used)
            deviances.append(
                residual_deviance_from_fit(
                    counts=counts, expected=fit.expected, edges_keV=edges, relative_error=error
                )
            )
        parts = ", ".join(f"{row['share']:.0%} {row['mineral']}" for row in said["abundances"])
        peaks = "; ".join(row["text"] for row in said["unexplained"])
        lines.append(
            f"| {truth} | {whole.sum():,.0f} | {said['mineral']} | {deviances[0]:.1f} "
            f"| {deviances[1]:.2f} | {parts} | {peaks or '-'} |"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/unexplained.md"))
    options = parser.parse_args()
    # Negative counts at the zero peak's flank are known of the measured files.
    warnings.simplefilter("ignore")
    pipeline = Pipeline(simulate("quartz").axis)
    text = (Path(__file__).parent / "unexplained_page.md").read_text(encoding="utf-8")
    for name, table in (
        ("PURE", pure(pipeline)),
        ("DISTORTED", distorted(pipeline)),
        ("FOREIGN", foreign(pipeline)),
        ("MIXTURES", mixtures(pipeline)),
        ("MEASURED", measured(options.data / "bruker_xs52" / "elements", pipeline)),
    ):
        text = text.replace(f"<{name}>", "\n".join(table))
        print(name, *table, sep="\n", flush=True)
    seconds = np.array(pipeline.seconds)
    took = (
        f"median {np.median(seconds):.2f} s, 90 % {np.quantile(seconds, 0.9):.2f} s, "
        f"most {seconds.max():.2f} s"
    )
    print(took)
    options.output.write_text(text.replace("<SECONDS>", took), encoding="utf-8")


if __name__ == "__main__":
    main()
