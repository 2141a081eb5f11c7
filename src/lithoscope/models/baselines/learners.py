"""Learners of scikit-learn and LightGBM on roots of counts, on PCA scores, and on features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lithoscope.errors import LithoscopeError
from lithoscope.models.baselines.base import Fitted, FloatArray, LabelledCounts

View = Callable[[FloatArray], FloatArray]

_TREES, _COMPONENTS, _ROUNDS = 200, 64, 60
_PENALTY = 1.0
_SEED = 0


def roots_of_shape(counts: FloatArray) -> FloatArray:
    """Square roots of the shares of bins, in which Poisson noise is alike in all bins.

    Anscombe 1948, Biometrika 35, 246; shape (spectrum, bin).
    """
    totals = np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    return np.asarray(np.sqrt(counts / totals), dtype=np.float32)


@dataclass(frozen=True)
class LearnerBaseline:
    """A learner on a view of the counts.

    Parameters
    ----------
    make
        Makes an unfitted learner with `fit`, and `predict_proba` or `decision_function`.
    view
        From counts to what it is shown, shape (spectrum, feature).
    """

    make: Callable[[], Any]
    view: View = roots_of_shape

    def fit(self, spectra: LabelledCounts) -> Fitted:
        """Fit the learner."""
        learner = self.make()
        learner.fit(self.view(spectra.counts), spectra.classes)
        return _FittedLearner(self.view, learner)


@dataclass(frozen=True, eq=False)
class _FittedLearner:
    view: View
    learner: Any

    def scores(self, counts: FloatArray) -> FloatArray:
        seen = self.view(counts)
        if hasattr(self.learner, "predict_proba"):
            return np.asarray(self.learner.predict_proba(seen))
        scores = np.asarray(self.learner.decision_function(seen))
        # scikit-learn gives one column for two classes.
        return np.stack([-scores, scores], axis=1) if scores.ndim == 1 else scores


def random_forest() -> Any:
    """200 trees (Breiman 2001, Mach. Learn. 45, 5); a minute on 50 spectra of 276 classes."""
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(_TREES, min_samples_leaf=2, random_state=_SEED)


def linear_svm_on_scores() -> Any:
    """Linear support vectors, one class against the rest, on 64 whitened PCA scores.

    Cortes and Vapnik 1995, Mach. Learn. 20, 273; the primal problem (Fan et al. 2008, LIBLINEAR).
    """
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    return make_pipeline(
        PCA(_COMPONENTS, whiten=True, random_state=_SEED),
        LinearSVC(dual=False, random_state=_SEED),
    )


def boosted_trees() -> Any:
    """Gradient boosting by histograms (Ke et al. 2017, NeurIPS), 60 rounds of 31 leaves a class.

    Leaves are held back by a penalty of 1 on their values: of hundreds of classes each has a
    probability near 0 at first, and so does the curvature that a leaf's gradient is divided by.
    Without the penalty, values run off in the first round (15 % right of 276 classes; 81 % with).

    Raises
    ------
    LithoscopeError
        If LightGBM is not installed.
    """
    try:
        from lightgbm import LGBMClassifier
    except ImportError as error:
        raise LithoscopeError(
            "Gradient boosting needs LightGBM, which is not installed.",
            expected="the extra 'boosting'",
            remedy="pip install 'lithoscope[boosting]'",
        ) from error
    return LGBMClassifier(
        n_estimators=_ROUNDS,
        reg_lambda=_PENALTY,
        random_state=_SEED,
        n_jobs=1,
        verbose=-1,
        deterministic=True,
    )
