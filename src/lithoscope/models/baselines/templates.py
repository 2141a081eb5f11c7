"""Templates: a few expected spectra for each class, and the three ways to compare with them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.errors import InvalidValueError
from lithoscope.models.baselines.base import Fitted, FloatArray, LabelledCounts
from lithoscope.models.baselines.least_squares import abundances_from_counts

# Spectra compared at a time.
_CHUNK = 512
# Share of a template's mean bin below which nothing is expected of a bin: a single stray count
# where a template has none would rule its class out for ever.
_FLOOR = 1e-3


@dataclass(frozen=True, eq=False)
class Templates:
    """Expected spectra, each of sum one.

    Parameters
    ----------
    shapes
        Shape (template, bin).
    classes
        Class of each, shape (template,); ascending.
    n_classes
        Number of classes.
    """

    shapes: FloatArray
    classes: NDArray[np.int64]
    n_classes: int

    def __post_init__(self) -> None:
        if len(self.shapes) != len(self.classes) or (np.diff(self.classes) < 0).any():
            raise InvalidValueError(
                f"{len(self.shapes)} templates with {len(self.classes)} classes.",
                expected="one class each, in ascending order",
            )
        if not np.allclose(self.shapes.sum(axis=1), 1, rtol=1e-4):
            raise InvalidValueError("Templates that do not have sum one.", expected="sum one")

    @classmethod
    def of(cls, spectra: LabelledCounts, each: int) -> Templates:
        """Take `each` expected spectra of a class; their mean where `each` is 1."""
        shapes, classes = [], []
        for label in range(spectra.n_classes):
            own = spectra.expected[spectra.classes == label].astype(np.float64)
            own = own / np.maximum(own.sum(axis=1, keepdims=True), 1e-30)
            chosen = own.mean(axis=0, keepdims=True) if each == 1 else own[:each]
            shapes.append(chosen)
            classes.append(np.full(len(chosen), label))
        made = np.concatenate(shapes)
        made = made / made.sum(axis=1, keepdims=True)
        return cls(made, np.concatenate(classes), spectra.n_classes)

    @classmethod
    def from_expected(
        cls, expected: FloatArray, classes: NDArray[np.int64], n_classes: int
    ) -> Templates:
        """Take all of some expected spectra; classes of which there are none are never named.

        Parameters
        ----------
        expected
            Shape (template, bin), of any sum; what is empty is left out.
        classes
            Class of each, in any order, shape (template,).
        n_classes
            Number of classes.
        """
        order = np.argsort(classes, kind="stable")
        order = order[expected[order].sum(axis=1) > 0]
        shapes = np.asarray(expected[order], dtype=np.float64)
        return cls(shapes / shapes.sum(axis=1, keepdims=True), classes[order], n_classes)

    def reduced(self, by_template: FloatArray, function: np.ufunc) -> FloatArray:
        """Reduce scores of templates, shape (spectrum, template), to classes."""
        starts = np.searchsorted(self.classes, np.arange(self.n_classes))
        return np.asarray(function.reduceat(by_template, starts, axis=1))


Comparison = Callable[[Templates, FloatArray], FloatArray]


def cosines_with_templates(templates: Templates, counts: FloatArray) -> FloatArray:
    """Cosine of the spectral angle, ``s . t / (|s| |t|)``, shape (spectrum, template).

    Kruse et al. 1993, Remote Sens. Environ. 44, 145, equation 1; an empty spectrum has 0.
    """
    unit = templates.shapes / np.linalg.norm(templates.shapes, axis=1, keepdims=True)
    lengths = np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1e-30)
    return np.asarray((counts / lengths) @ unit.T)


def log_likelihood_of_templates(templates: Templates, counts: FloatArray) -> FloatArray:
    """Poisson log-likelihood with the exposure profiled out, shape (spectrum, template).

    ``max_a sum_i [n_i ln(a t_i) - a t_i]`` lies at ``a = N`` for templates of sum one (Cash 1979,
    ApJ 228, 939, equation 5); what all templates share is left out, and ``sum_i n_i ln t_i`` stays.
    """
    floor = _FLOOR / templates.shapes.shape[1]
    shapes = templates.shapes + floor
    return np.asarray(counts @ np.log(shapes / shapes.sum(axis=1, keepdims=True)).T)


def shares_of_templates(templates: Templates, counts: FloatArray) -> FloatArray:
    """Non-negative least squares on all templates at once, shape (spectrum, template)."""
    return abundances_from_counts(counts=counts, templates=templates.shapes)


@dataclass(frozen=True)
class TemplateBaseline:
    """Compares a spectrum with templates of every class.

    Parameters
    ----------
    comparison
        `cosines_with_templates`, `log_likelihood_of_templates` or `shares_of_templates`.
    combined
        How templates of one class come together: ``np.maximum`` takes the best,
        ``np.logaddexp`` the posterior of templates that are equally likely, ``np.add`` the sum.
    each
        Templates of a class; 1 takes the mean of what is given.
    """

    comparison: Comparison
    combined: np.ufunc
    each: int = 16

    def __post_init__(self) -> None:
        if self.each < 1:
            raise InvalidValueError(f"{self.each} templates a class.", expected="1 or more")

    def fit(self, spectra: LabelledCounts) -> Fitted:
        """Take the templates."""
        return _FittedTemplates(self, Templates.of(spectra, self.each))


@dataclass(frozen=True, eq=False)
class _FittedTemplates:
    settings: TemplateBaseline
    templates: Templates

    def scores(self, counts: FloatArray) -> FloatArray:
        pieces = [
            self.templates.reduced(
                self.settings.comparison(self.templates, chunk), self.settings.combined
            )
            for chunk in np.split(counts, range(_CHUNK, len(counts), _CHUNK))
        ]
        return np.concatenate(pieces)


def classes_from_angles(*, counts: FloatArray, templates: Templates) -> NDArray[np.int64]:
    """Class of the template at the smallest spectral angle, of each spectrum.

    Not every class needs a template, unlike for `SPECTRAL_ANGLE`; single precision.

    Parameters
    ----------
    counts
        Shape (spectrum, bin).
    templates
        What they are compared with.

    Returns
    -------
    ndarray, shape (spectrum,)
    """
    single = dataclasses.replace(templates, shapes=templates.shapes.astype(np.float32))
    nearest = [
        cosines_with_templates(single, chunk.astype(np.float32)).argmax(axis=1)
        for chunk in np.split(counts, range(_CHUNK, len(counts), _CHUNK))
    ]
    return templates.classes[np.concatenate(nearest)]


SPECTRAL_ANGLE = TemplateBaseline(cosines_with_templates, np.maximum)
POISSON_LIKELIHOOD = TemplateBaseline(log_likelihood_of_templates, np.logaddexp)
# One template a class: of several, that differ less than the noise, shares are spread at random.
LEAST_SQUARES = TemplateBaseline(shares_of_templates, np.add, each=1)
