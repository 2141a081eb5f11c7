"""The ceiling: how often the best possible classifier is right.

That classifier knows the generator: for counts n it takes the class with the largest posterior,
``P(c | n) ~ P(c) mean_k prod_i p_ki^n_i``, the multinomial likelihood of the counts given their
total (which tells nothing of the class), averaged over expected spectra p_k of the class as the
generator makes them. The average is taken over finitely many spectra, templates, and so comes out
too low at high counts, where hardly any template is near enough. Two things tell whether it has
converged: it no longer rises when templates are doubled, and it agrees with its own mean largest
posterior, which for a right posterior is the accuracy. Where it has not, the spectrum that a draw
was made from is added to the templates of its class: that favours the truth, and bounds the
ceiling from above.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lithoscope.errors import InvalidValueError
from lithoscope.synthesis.stream import SpectrumStream

# Share of a count below which a channel is taken to hold it in any spectrum: an expected zero would
# rule a class out for one count of noise.
_FLOOR = 1e-9
# What counts as converged (in shares): change on doubling, and distance to the mean posterior.
SETTLED, CALIBRATED = 0.002, 0.003


@dataclass(frozen=True)
class Ceiling:
    """The ceiling at one count level.

    Parameters
    ----------
    counts
        Expected total counts.
    spectra
        Number of draws.
    templates
        Templates of a class at the end.
    estimates
        Accuracy with a quarter, half and all of the templates.
    mean_posterior
        Mean largest posterior with all of them.
    upper
        Accuracy with each draw's own spectrum among the templates of its class.
    standard_error
        Of the last estimate, from the number of draws.
    """

    counts: float
    spectra: int
    templates: int
    estimates: tuple[float, float, float]
    mean_posterior: float
    upper: float
    standard_error: float

    def __post_init__(self) -> None:
        shares = (*self.estimates, self.mean_posterior, self.upper)
        if not all(0 <= share <= 1 for share in shares) or self.spectra < 1 or self.templates < 4:
            raise InvalidValueError(
                f"A ceiling of {shares}, {self.spectra} spectra, {self.templates} templates.",
                expected="shares from 0 to 1, one spectrum or more, four templates or more",
            )

    @property
    def converged(self) -> bool:
        """Whether the last estimate is the ceiling, and not a bound."""
        last = self.estimates[-1]
        return (
            abs(last - self.estimates[-2]) < SETTLED
            and abs(last - self.mean_posterior) < CALIBRATED
        )

    @property
    def bound(self) -> float:
        """What a classifier is measured against: the ceiling, or what bounds it from above."""
        return self.estimates[-1] if self.converged else self.upper


class Posterior:
    """Log likelihoods of counts, averaged over the templates of each class as they come.

    Parameters
    ----------
    counts
        Shape (draw, bin).
    n_classes
        Number of classes.
    """

    def __init__(self, counts: Tensor, n_classes: int) -> None:
        self.counts = counts
        self.sums = torch.full((len(counts), n_classes), -torch.inf)
        self.numbers = torch.zeros(n_classes)

    def add(self, shares: Tensor, classes: Tensor) -> None:
        """Take in templates.

        Parameters
        ----------
        shares
            Expected shares of the counts, shape (template, bin).
        classes
            Shape (template,).
        """
        likelihood = self.counts @ log_shares(shares).T
        place = classes.expand_as(likelihood)
        largest = torch.full_like(self.sums, -torch.inf).scatter_reduce(
            1, place, likelihood, "amax"
        )
        largest = torch.maximum(largest, self.sums)
        # A class that has no template yet stays at minus infinity.
        finite = largest.clamp_min(-1e30)
        relative = torch.exp(likelihood - torch.gather(finite, 1, place))
        total = torch.exp(self.sums - finite).scatter_add(1, place, relative)
        self.sums = torch.log(total) + finite
        self.numbers += torch.bincount(classes, minlength=len(self.numbers))

    def probabilities(self) -> Tensor:
        """Posterior with equal priors, shape (draw, class)."""
        return torch.softmax(self.sums - torch.log(self.numbers), dim=1)

    def with_own(self, own: Tensor, truth: Tensor) -> Tensor:
        """Posterior with one more template for the true class of each draw.

        Parameters
        ----------
        own
            Shares that each draw was made from, shape (draw, bin).
        truth
            Shape (draw,).
        """
        likelihood = (self.counts * log_shares(own)).sum(dim=1)
        rows = torch.arange(len(truth))
        sums, numbers = self.sums.clone(), self.numbers.expand_as(self.sums).clone()
        sums[rows, truth] = torch.logaddexp(sums[rows, truth], likelihood)
        numbers[rows, truth] += 1
        return torch.softmax(sums - torch.log(numbers), dim=1)


def log_shares(expected: Tensor) -> Tensor:
    """Logarithm of the share of each bin, shape (spectrum, bin)."""
    shares = expected / expected.sum(dim=1, keepdim=True)
    return torch.log(shares.clamp_min(_FLOOR))


def ceiling_by_counts(
    draws: SpectrumStream,
    templates: SpectrumStream,
    *,
    levels: Sequence[float],
    templates_per_class: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Ceiling]:
    """Compute the ceiling for the spectra of a stream's first batch, at several count levels.

    Parameters
    ----------
    draws
        The spectra to be named; its batch size is their number. Each level gets the same grains.
    templates
        The same generator with another seed.
    levels
        Total counts.
    templates_per_class
        Templates of each class at the end.
    progress
        Called with the number of templates done and in all.
    """
    drawn = {level: draws.at(level).batch(0) for level in levels}
    truth = drawn[levels[0]].classes
    n_classes = len(draws.labels)
    counted = torch.cat([batch.counts for batch in drawn.values()])
    posterior = Posterior(counted, n_classes)
    batches = -(-templates_per_class * n_classes // templates.batch_size)
    stops = {max(1, round(batches * share)) for share in (0.25, 0.5, 1.0)}
    named = []
    for number in range(batches):
        batch = templates.batch(number)
        posterior.add(batch.expected, batch.classes)
        progress((number + 1) * templates.batch_size, batches * templates.batch_size)
        if number + 1 in stops:
            named.append(posterior.probabilities())
    # Few batches: the estimates that were to come earlier are the first that there is.
    named = [named[0]] * (3 - len(named)) + named
    own = torch.cat([batch.expected for batch in drawn.values()])
    upper = posterior.with_own(own, truth.repeat(len(levels)))
    return [
        _ceiling(
            level,
            truth,
            [part.split(len(truth))[place] for part in named],
            upper.split(len(truth))[place],
            templates_per_class,
        )
        for place, level in enumerate(levels)
    ]


def _ceiling(
    level: float, truth: Tensor, named: Sequence[Tensor], upper: Tensor, templates: int
) -> Ceiling:
    rights = [float((part.argmax(dim=1) == truth).double().mean()) for part in (*named, upper)]
    quarter, half, last, own = rights
    error = np.sqrt(max(last * (1 - last), 1 / len(truth)) / len(truth))
    posterior = float(named[-1].amax(dim=1).double().mean())
    return Ceiling(
        level, len(truth), templates, (quarter, half, last), posterior, own, float(error)
    )
