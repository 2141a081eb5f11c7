"""Principal components, fitted batch by batch, with a scaling that knows of Poisson noise."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.errors import PreprocessingError
from lithoscope.preprocess.layout import Kind, Layout
from lithoscope.preprocess.step import FittedStep, Transform

_POISSON: tuple[Kind, ...] = ("counts", "net")
_ANY: tuple[Kind, ...] = ("counts", "net", "shares", "scaled")
# The mean spectrum, by which residuals are scaled, is taken from the first spectra.
_MEAN_OF = 4096
# No bin's share in the mean spectrum is taken for less than this part of an even one.
_LEAST_SHARE = 1e-3


@dataclass(frozen=True, eq=False)
class Pca(FittedStep):
    """Projects spectra on their principal components (scikit-learn's `IncrementalPCA`).

    Parameters
    ----------
    components
        Components kept.
    noise_aware
        Project Pearson residuals ``(n_j - N h_j) / sqrt(N h_j)`` of the counts, with total N and
        the mean spectrum's shares h, in which Poisson noise is about 1 in every bin, not the
        values themselves (the scaling of Keenan and Kotula 2004, Surf. Interface Anal. 36, 203).
        For counts and net intensities only; elsewhere it has to be switched off.
    whiten
        Divide scores by their standard deviations.
    output
        ``scores``, or ``denoised`` for the spectra that the components make of them.
    """

    name: ClassVar[str] = "pca"
    components: int = 16
    noise_aware: bool = True
    whiten: bool = False
    output: str = "scores"

    def __post_init__(self) -> None:
        self.require(1 <= self.components <= 4096, "components", "1 to 4096")
        self.require(self.output in ("scores", "denoised"), "output", "scores or denoised")

    def after(self, layout: Layout) -> Layout:
        """Scores, or the spectra again."""
        edges = layout.edges_for(
            f"{self.name}, noise_aware: {str(self.noise_aware).lower()}",
            _POISSON if self.noise_aware else _ANY,
        )
        if self.components > layout.length:
            raise PreprocessingError(
                f"'{self.name}' has {self.components} components for spectra of {layout.length}.",
                expected="no more components than bins",
            )
        if self.output == "scores":
            return Layout("scores", self.components)
        kind: Kind = "net" if layout.kind == "counts" else layout.kind
        return Layout(kind, layout.length, edges)

    def fit(self, batches: Iterable[Tensor], layout: Layout) -> Self:
        """Fit to a stream, of which nothing but the first spectra is kept."""
        from sklearn.decomposition import IncrementalPCA

        self.after(layout)
        least = max(256, 2 * self.components)
        pieces = _pieces(batches, least)
        first = list(itertools.islice(pieces, -(-_MEAN_OF // least)))
        if not first or len(first[0]) < self.components:
            raise self.no_spectra()
        share = _shares(torch.cat(first))
        model = IncrementalPCA(n_components=self.components)
        for piece in (*first, *pieces):
            if len(piece) >= self.components:
                model.partial_fit(self._residuals(piece, share).double().numpy())
        return dataclasses.replace(self, state=_state_of(model, share))

    def _residuals(self, values: Tensor, share: Tensor) -> Tensor:
        if not self.noise_aware:
            return values
        expected = values.sum(dim=1, keepdim=True) * share
        return torch.where(
            expected > 0, (values - expected) / torch.sqrt(expected.clamp_min(1e-30)), 0.0
        )

    def bound(self, layout: Layout) -> Transform:
        """Project, and project back where spectra are asked for."""
        leaves = self.after(layout)
        share, mean = (
            torch.from_numpy(self.learnt(name, (layout.length,))) for name in ("share", "mean")
        )
        components = torch.from_numpy(self.learnt("components", (self.components, layout.length)))
        variances = torch.from_numpy(self.learnt("variances", (self.components,)))
        scale = variances.clamp_min(1e-12).rsqrt() if self.whiten else torch.ones_like(variances)

        def project(values: Tensor, _: Tensor | None) -> Tensor:
            to = components.to(values)
            scores = (self._residuals(values, share.to(values)) - mean.to(values)) @ to.T
            if self.output == "scores":
                return scores * scale.to(values)
            residuals = scores @ to + mean.to(values)
            if not self.noise_aware:
                return residuals.clamp_min(0) if leaves.kind != "scaled" else residuals
            expected = values.sum(dim=1, keepdim=True) * share.to(values)
            return (expected + torch.sqrt(expected) * residuals).clamp_min(0)

        return project

    def variance_shares(self) -> NDArray[np.float32]:
        """Share of the variance that each component explains, shape (component,)."""
        return self.learnt("variance_shares", (self.components,))

    def component_spectra(self, length: int) -> NDArray[np.float32]:
        """Components on the axis of spectra of a length, shape (component, bin)."""
        return self.learnt("components", (self.components, length))


def _pieces(batches: Iterable[Tensor], least: int) -> Iterator[Tensor]:
    """Join batches until each has as many spectra as the fit takes at a time."""
    waiting: list[Tensor] = []
    for batch in batches:
        waiting.append(batch.cpu())
        if sum(map(len, waiting)) >= least:
            yield torch.cat(waiting)
            waiting = []
    if waiting:
        yield torch.cat(waiting)


def _shares(spectra: Tensor) -> Tensor:
    mean = spectra.double().clamp_min(0).sum(dim=0)
    share = mean / mean.sum().clamp_min(1e-30)
    share = share.clamp_min(_LEAST_SHARE / len(share))
    return (share / share.sum()).float()


def _state_of(model: Any, share: Tensor) -> dict[str, NDArray[np.float32]]:
    return {
        "share": share.numpy(),
        "mean": model.mean_.astype(np.float32),
        "components": model.components_.astype(np.float32),
        "variances": model.explained_variance_.astype(np.float32),
        "variance_shares": model.explained_variance_ratio_.astype(np.float32),
    }
