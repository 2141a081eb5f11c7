"""Why the shipped model stays below the best possible on undistorted spectra.

    python -m benchmarks.below_the_ceiling

On the `ideal` test spectra of docs/networks.md (M4 Tornado): the shipped model, the posterior over
templates of undistorted spectra (which is near the best possible), and the posterior over
templates of undistorted and of distorted ones, a quarter and three quarters as in the model's
training, which is what a model that must stand both could reach. Distorted templates are too few
at high counts, so that the last number is then too high. Some ten minutes of one processor.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
import torch
from benchmarks.networks import spectra
from torch import Tensor

from lithoscope.evaluation.ceiling import Posterior
from lithoscope.inference.predict import Scorer
from lithoscope.models.checkpoint import find_checkpoint

LEVELS = (100.0, 300.0, 1_000.0)
UNDISTORTED_SHARE = 0.25
_BATCH, _MACHINES = 1_024, 32

Templates = list[tuple[Tensor, Tensor]]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.below_the_ceiling",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--tested", type=int, default=4_000, help="spectra a level")
    parser.add_argument("--ideal", type=int, default=36, help="batches of undistorted templates")
    parser.add_argument("--realistic", type=int, default=108, help="of distorted ones")
    chosen = parser.parse_args(arguments)
    tests = spectra.tests("ideal", spectra.Size(0, chosen.tested))
    ideal = templates("ideal", chosen.ideal)
    realistic = templates("realistic", chosen.realistic)
    scorer = Scorer(find_checkpoint("default"))
    print("counts: shipped, undistorted templates, both, chance given to undistorted")
    for level in LEVELS:
        counts, classes = tests[level].counts, tests[level].classes
        plain, distorted = log_likelihoods(counts, ideal), log_likelihoods(counts, realistic)
        both = torch.stack(
            [
                plain + np.log(UNDISTORTED_SHARE),
                distorted + np.log(1 - UNDISTORTED_SHARE),
            ]
        )
        undistorted = both.logsumexp(dim=2).softmax(dim=0)[0].mean()
        shares = (right(one, classes) for one in (scorer(counts), plain, both.logsumexp(dim=0)))
        print(f"{level:g}: {', '.join(f'{share:.1%}' for share in shares)}, {undistorted:.2f}")


def templates(condition: str, batches: int) -> Templates:
    """Expected spectra that no test was drawn from, and their classes."""
    source = spectra.stream(condition, spectra.TEMPLATES, _BATCH, _MACHINES)
    drawn = (source.batch(number) for number in range(batches))
    return [(one.expected, one.classes) for one in drawn]


def log_likelihoods(counts: Tensor, kept: Templates) -> Tensor:
    """Log likelihood of counts, mean over the templates of each class, shape (spectrum, class)."""
    posterior = Posterior(counts, len(spectra.labels()))
    for expected, classes in kept:
        posterior.add(expected, classes)
    return posterior.sums - torch.log(posterior.numbers.clamp_min(1))


def right(scores: Tensor, classes: Tensor) -> float:
    """Share of spectra whose highest score is that of their class."""
    return float((scores.argmax(dim=1) == classes).double().mean())


if __name__ == "__main__":
    main()
