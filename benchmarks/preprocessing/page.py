"""The page of results."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from benchmarks.physics.tables import table
from benchmarks.preprocessing import denoising, networks
from benchmarks.preprocessing.results import Results
from benchmarks.preprocessing.source import Size

_OPENING = """\
# What preprocessing does

Written by `python -m benchmarks.preprocessing -o docs`; do not edit. Everything here is measured
on Lithoscope's own simulation (M4 Tornado, the shipped model's classes and conditions), on
compositions and machines that were not trained on; nothing on measured spectra.
"""


def page(results: Results, size: Size) -> str:
    return "\n".join([_OPENING, *_denoising(results, size), *_networks(results, size)])


def _denoising(results: Results, size: Size) -> Iterator[str]:
    rows = results.of("denoising", size.key())
    if not rows:
        return
    yield (
        "## Denoised spectra against the noise-free truth\n\nMean Poisson deviance of the expected "
        "counts from what was made of a noisy spectrum (466 bins), lower is better; no estimate is "
        f"taken for less than {denoising.FLOOR:.0%} of the mean counts of a bin. {size.tested:,} "
        "spectra of single minerals a level; after ± the standard error, or for the autoencoders "
        f"the standard deviation over seeds, each trained on {size.spectra:,} spectra. SNIP is "
        "compared with the net spectrum of the truth.\n"
    )
    levels = [f"{level:g}" for level in denoising.LEVELS]
    yield table(
        ["", *(f"{float(level):,.0f} counts" for level in levels)],
        [[case, *(_deviance(found, level) for level in levels)] for case, found in rows.items()],
    )
    yield "![Principal components](images/preprocessing/components.png)\n"
    yield "![Latent space](images/preprocessing/latent.png)\n"
    for row in results.of("strangeness", size.key()).get("VAE", [])[-1:]:
        yield (
            "The autoencoder's reconstruction error (Poisson deviance) at 3 000 counts: "
            f"{row['known']:.0f} on average for known minerals, {row['reversed']:.0f} for their "
            "spectra with the energies turned round, of which "
            f"{row['reversed_found_at_1_percent_false_alarms']:.0%} lie above what 1 % of the "
            "known exceed.\n"
        )


def _deviance(found: list[dict[str, Any]], level: str) -> str:
    means = [row["deviance"][level][0] for row in found]
    spread = statistics.stdev(means) if len(means) > 1 else found[0]["deviance"][level][1]
    return f"{statistics.fmean(means):,.1f} ± {spread:,.1f}"


def _networks(results: Results, size: Size) -> Iterator[str]:
    levels = [f"{level:g}" for level in networks.LEVELS]
    heads = [f"{float(level):,.0f}" for level in levels]
    for part, title, column in (
        ("chains", "## The same network on each chain", "chain"),
        ("axes", "## The same network on finer and coarser bins", "bins"),
    ):
        rows = results.of(part, size.key())
        if not rows:
            continue
        error = 100 * (0.25 / size.tested) ** 0.5
        yield (
            f"{title}\n\nShare named right in %, at so many counts: mean and standard deviation "
            f"over seeds (their number in the second column). The `cnn` of the shipped model, "
            f"{size.spectra:,} spectra, {size.tested:,} test spectra a level (standard error up "
            f"to {error:.1f}), the same for all.\n"
        )
        ordered = sorted(rows.items(), key=lambda item: -_mean(item[1], "1000"))
        yield table(
            [column, "seeds", *heads, "s"],
            [
                [
                    f"{case} ({found[0]['bins']})" if part == "axes" else case,
                    str(len(found)),
                    *(_share([row["accuracy"][level] for row in found]) for level in levels),
                    f"{statistics.fmean(row['seconds'] for row in found):,.0f}",
                ]
                for case, found in ordered
            ],
        )
        if part == "axes":
            yield from _elements(rows, levels, heads)


def _elements(
    rows: dict[str, list[dict[str, Any]]], levels: list[str], heads: list[str]
) -> Iterator[str]:
    yield (
        "Of these, the classes whose minerals hold at least 2 % of an element whose K lines lie "
        "above 25 keV:\n"
    )
    yield table(
        ["element, bins", *heads],
        [
            [
                f"{element}, {case}",
                *(_share([row["recall"][element][level] for row in found]) for level in levels),
            ]
            for element in networks.ELEMENTS
            for case, found in rows.items()
        ],
    )


def _mean(found: list[dict[str, Any]], level: str) -> float:
    return statistics.fmean(row["accuracy"][level] for row in found)


def _share(values: list[float | None]) -> str:
    known = [100 * value for value in values if value is not None]
    if not known:
        return "–"
    spread = f" ± {statistics.stdev(known):.1f}" if len(known) > 1 else ""
    return f"{statistics.fmean(known):.1f}{spread}"
