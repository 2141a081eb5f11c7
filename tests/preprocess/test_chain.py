"""Chains as data: what fits, what does not, and what bad input gives."""

import numpy as np
import pytest
import torch
import yaml

from lithoscope.core.energy import EnergyAxis
from lithoscope.errors import PreprocessingError
from lithoscope.preprocess.chain import DEFAULT_CHAIN, Chain
from lithoscope.preprocess.chain_files import chain_from_text
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.preprocess.step_names import STEPS

EDGES = ModelAxis().edges_keV
CHANNELS = EnergyAxis(0.0, 0.01, 4096).edges_keV
WHOLE = ["rebin", "snip", {"step": "normalise", "by": "root"}, "standardise"]


def counts(batch=40, bins=466):
    return torch.poisson(torch.full((batch, bins), 4.0), torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", sorted(STEPS))
def test_every_step_survives_yaml(name):
    chain = Chain.from_description([name])
    again = Chain.from_description(yaml.safe_load(yaml.safe_dump(chain.description())))
    assert again.description() == chain.description()
    assert str(chain).startswith(name)


def test_a_file_and_a_row_of_names_are_the_same(tmp_path):
    path = tmp_path / "chain.yaml"
    path.write_text("- baseline\n- {step: normalise, by: total}\n")
    assert (
        chain_from_text(str(path)).description()
        == chain_from_text("baseline, normalise").description()
    )


def test_what_was_learnt_survives():
    chain = Chain.from_description([*WHOLE, {"step": "pca", "components": 4, "noise_aware": False}])
    fitted = chain.fit([counts(bins=4096)], CHANNELS)
    again = Chain.from_description(fitted.description(), fitted.arrays())
    given = counts(5, 4096)
    torch.testing.assert_close(
        again.on(CHANNELS).transform(given), fitted.on(CHANNELS).transform(given)
    )


def test_blocks_of_a_scan_are_as_their_spectra():
    bound = Chain.from_description(["snip", "network"]).on(EDGES)
    block = counts(12)
    found = bound.transform(block.reshape(3, 4, 466))
    assert found.shape == (3, 4, 2, 466)
    torch.testing.assert_close(found.reshape(12, 2, 466), bound.transform(block))


def test_counts_are_left_as_they_were():
    given = counts(3)
    before = given.clone()
    for name in ("snip", "normalise", "savgol", "wavelet", "network", "rebin"):
        Chain.from_description([name]).on(EDGES).transform(given)
    assert torch.equal(given, before)


@pytest.mark.parametrize(
    "steps",
    [
        ["network"],
        ["snip", "network"],
        ["als"],
        ["morphology"],
        ["wavelet"],
        ["savgol"],
        ["standardise"],
        ["pca"],
        *[[{"step": "normalise", "by": by}] for by in ("total", "maximum", "unit", "root", "log")],
        [{"step": "pca", "output": "denoised", "whiten": True}],
    ],
)
def test_an_empty_spectrum_gives_zeros_and_no_spectra_none(steps):
    given = counts()
    given[7] = 0
    bound = Chain.from_description(steps).fit([given], EDGES).on(EDGES)
    found = bound.transform(given)
    assert torch.isfinite(found).all()
    assert (found[7] == 0).all()
    assert found[8].abs().sum() > 0
    assert bound.transform(given[:0]).shape == (0, *found.shape[1:])


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (["pca", "rebin"], "'rebin' would be given scores"),
        (["pca", "wavelet"], "'wavelet'"),
        (["snip", "wavelet"], "'wavelet' would be given intensities"),
        (["normalise", "snip"], "'snip'"),
        ([{"step": "normalise", "by": "root"}, "network"], "'network'"),
        (["network", "snip"], "network's inputs"),
        (["snip", "vae"], "'vae'"),
        (["normalise", "pca"], "noise_aware"),
        ([{"step": "normalise", "by": "root"}, "rebin"], "'rebin'"),
        ([{"step": "normalise", "by": "total"}, {"step": "normalise", "by": "root"}], "by root"),
        ([{"step": "rebin", "factor": 150}, "savgol"], "window of 5 bins"),
        ([{"step": "rebin", "factor": 100}, "pca"], "16 components"),
        ([{"step": "rebin", "low_keV": 50, "high_keV": 60}], "The spectra cover"),
    ],
)
def test_steps_that_do_not_fit_each_other(steps, message):
    with pytest.raises(PreprocessingError, match=message):
        Chain.from_description(steps).fit([counts(bins=466)], EDGES).on(EDGES)


@pytest.mark.parametrize("steps", [["pca"], ["standardise"], ["vae"]])
def test_a_step_that_was_not_fitted(steps):
    with pytest.raises(PreprocessingError, match="has not been fitted"):
        Chain.from_description(steps).on(EDGES)


def test_a_step_fitted_on_another_axis():
    fitted = Chain.from_description(["standardise"]).fit([counts()], EDGES)
    with pytest.raises(PreprocessingError, match=r"fit the chain anew"):
        fitted.on(CHANNELS)


@pytest.mark.parametrize("batches", [[], [torch.zeros(0, 466)], [torch.ones(1, 466)]])
@pytest.mark.parametrize("step", ["pca", "standardise"])
def test_too_few_spectra_to_fit(step, batches):
    with pytest.raises(PreprocessingError, match="too few spectra"):
        Chain.from_description([step]).fit(batches, EDGES)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (torch.ones(466), r"counts\[None\]"),
        (torch.ones(2, 465), "Counts of shape"),
        (torch.full((2, 466), torch.nan), "NaN"),
        (torch.full((2, 466), torch.inf), "infinity"),
        (torch.full((2, 466), -1.0), "below 0"),
    ],
)
def test_bad_counts(given, message):
    with pytest.raises(PreprocessingError, match=message):
        DEFAULT_CHAIN.on(EDGES).transform(given)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([], "0 steps"),
        (["snipp"], "snip"),
        ("snip", "a list of steps"),
        ([3], "a name such as"),
        ([{"step": "snip", "width": 3}], "no parameter 'width'"),
        ([{"step": "snip", "half_width_fwhm": "wide"}], "half_width_fwhm"),
        ([{"step": "snip", "half_width_fwhm": True}], "half_width_fwhm"),
        ([{"step": "snip", "half_width_fwhm": float("nan")}], "half_width_fwhm"),
        ([{"step": "snip", "half_width_fwhm": 0}], "0.2 to 50"),
        ([{"step": "pca", "state": {}}], "no parameter 'state'"),
        ([{"step": "pca", "components": 2.5}], "components"),
        ([{"step": "savgol", "window": 4}], "odd"),
        ([{"step": "savgol", "window": 3, "order": 3}], "less than window"),
        ([{"step": "wavelet", "wavelet": "sym99"}], "sym4"),
        ([{"step": "normalise", "by": "mass"}], "total"),
        ([{"step": "rebin", "low_keV": 9, "high_keV": 3}], "low < high"),
        ([{"step": "als", "asymmetry": 1.0}], "between 0 and 1"),
        ([{"step": "vae", "output": "both"}], "denoised or code"),
        (["snip"] * 33, "33 steps"),
    ],
)
def test_bad_descriptions(steps, message):
    with pytest.raises(PreprocessingError, match=message):
        Chain.from_description(steps)


@pytest.mark.parametrize("text", ["- [", "a: 1", "- {step: snip, step: als}"])
def test_bad_files(tmp_path, text):
    path = tmp_path / "chain.yaml"
    path.write_text(text)
    with pytest.raises(PreprocessingError):
        chain_from_text(str(path))
    with pytest.raises(PreprocessingError, match=r"missing\.yaml"):
        chain_from_text(str(tmp_path / "missing.yaml"))


def test_a_damaged_state_is_refused():
    fitted = Chain.from_description(["standardise"]).fit([counts()], EDGES)
    arrays = {key: np.full_like(value, np.nan) for key, value in fitted.arrays().items()}
    with pytest.raises(PreprocessingError, match="not finite"):
        Chain.from_description(fitted.description(), arrays).on(EDGES)
