"""Denoised spectra against the noise-free truth, and pictures of what was learnt."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmarks.preprocessing import source
from benchmarks.preprocessing.results import Results
from sklearn.decomposition import PCA
from torch import Tensor

from lithoscope.figures.components_plot import components_figure
from lithoscope.figures.latent_plot import latent_figure
from lithoscope.figures.save import save_figure
from lithoscope.minerals import load_library
from lithoscope.preprocess.chain import Chain
from lithoscope.preprocess.deviance import poisson_deviance
from lithoscope.preprocess.layout import Layout
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.preprocess.vae import Vae, reconstruction_deviance
from lithoscope.synthesis.stream import SpectrumStream
from lithoscope.training.fit import seed_weights
from lithoscope.training.fit_chain import fit_chain
from lithoscope.training.loop import FitSettings

LEVELS = (100.0, 1_000.0, 10_000.0)
# What no estimate goes below, as a share of the mean counts of a bin: a bin that was taken for
# empty and is not would count infinitely.
FLOOR = 0.01
RANKS = (4, 8, 16, 32, 64)

Steps = list[dict[str, Any]]
CASES: dict[str, Steps] = {
    "raw": [{"step": "normalise", "by": "none"}],
    "SNIP, net": [{"step": "snip"}],
    "Savitzky-Golay, 5 bins": [{"step": "savgol"}],
    "wavelet, half threshold": [{"step": "wavelet"}],
    "wavelet, universal threshold": [{"step": "wavelet", "strength": 1.0}],
    **{
        f"PCA, rank {rank}": [{"step": "pca", "components": rank, "output": "denoised"}]
        for rank in RANKS
    },
    "PCA, rank 16, not noise-aware": [
        {"step": "pca", "components": 16, "output": "denoised", "noise_aware": False}
    ],
    "VAE, beta 1": [{"step": "vae"}],
    "VAE, beta 4": [{"step": "vae", "beta": 4.0}],
}
_LOSSY = ("SNIP",)


def run(results: Results, size: source.Size, seeds: Sequence[int]) -> None:
    """Measure every case that is not measured yet."""
    edges = ModelAxis().edges_keV
    test = source.held_out(size, edges)
    for case, steps in CASES.items():
        for seed in seeds if case.startswith("VAE") else seeds[:1]:
            if results.has("denoising", case, seed, size.key()):
                continue
            chain = fitted(Chain.from_description(steps), size, seed)
            results.add(
                part="denoising",
                case=case,
                seed=seed,
                size=size.key(),
                deviance={
                    f"{level:g}": measured(chain, case, edges, level, size, test)
                    for level in LEVELS
                },
            )


def fitted(chain: Chain, size: source.Size, seed: int) -> Chain:
    edges = ModelAxis().edges_keV
    seed_weights(seed)
    with tempfile.TemporaryDirectory() as folder:
        return fit_chain(
            chain,
            source.drawn(size, tuple(edges), seed, size.spectra),
            edges,
            FitSettings(spectra=size.spectra),
            log_folder=Path(folder),
        )


def measured(
    chain: Chain,
    case: str,
    edges: np.ndarray,
    level: float,
    size: source.Size,
    test: SpectrumStream,
) -> tuple[float, float]:
    """Mean deviance of the truth from what a chain makes of it, and its standard error."""
    counts, truth, _ = source.with_truth(test, level, size.tested)
    bound = chain.on(edges)
    # What takes something away is compared with what it takes away from the truth.
    aim = bound.transform(truth) if case.startswith(_LOSSY) else truth
    deviance = distance(aim, bound.transform(counts), level)
    return float(deviance.mean()), float(deviance.std() / len(deviance) ** 0.5)


def distance(truth: Tensor, estimate: Tensor, level: float) -> Tensor:
    return poisson_deviance(counts=truth, expected=estimate + FLOOR * level / truth.shape[1])


def pictures(folder: Path, size: source.Size) -> dict[str, float]:
    """Draw components and latent space; return how strange an unknown spectrum is."""
    folder.mkdir(parents=True, exist_ok=True)
    edges = ModelAxis().edges_keV
    chain = fitted(
        Chain.from_description([{"step": "pca", "components": 32}, {"step": "standardise"}]),
        size,
        0,
    )
    pca = chain.steps[0]
    save_figure(
        components_figure(
            pca.component_spectra(edges.size - 1),
            edges,
            pca.variance_shares(),
            elements=["Si", "Fe", "Ca", "K", "S", "Ti", "Mn", "Al", "Cu", "Zn", "Pb", "Sr", "Zr"],
            title="Principal components of simulated minerals, Poisson scaling",
        ),
        folder / "components.png",
    )
    layout = Layout.of_counts(edges)
    vae = fitted(Chain.from_description([{"step": "vae"}]), size, 0).steps[0]
    assert isinstance(vae, Vae)
    test = source.held_out(size, edges)
    counts, _, classes = source.with_truth(test, 3_000.0, min(size.tested, 3000))
    with torch.inference_mode():
        codes = vae.network(layout).encode(counts)[0].numpy()
    plane = PCA(2).fit(codes)
    first, second = 100 * plane.explained_variance_ratio_
    save_figure(
        latent_figure(
            plane.transform(codes),
            families(size, classes),
            axes_named=(
                f"first direction of the codes ({first:.0f} % of their variance)",
                f"second direction ({second:.0f} %)",
            ),
            title="Latent space of the autoencoder, 3 000 counts, by mineral class",
        ),
        folder / "latent.png",
    )
    return strangeness(vae, layout, counts)


def families(size: source.Size, classes: Tensor) -> list[str]:
    library, groups = load_library(), source.labels(size).groups
    return [
        library.get(groups[index].members[0]).mineral_class or "other" for index in classes.tolist()
    ]


def strangeness(vae: Vae, layout: Layout, counts: Tensor) -> dict[str, float]:
    """Reconstruction error of known spectra, and of the same with energies turned round."""
    known = reconstruction_deviance(vae, layout, counts)
    strange = reconstruction_deviance(vae, layout, counts.flip(1))
    above = (strange > known.quantile(0.99)).double().mean()
    return {
        "known": float(known.mean()),
        "reversed": float(strange.mean()),
        "reversed_found_at_1_percent_false_alarms": float(above),
    }
