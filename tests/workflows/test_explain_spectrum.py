"""`classify` says what a spectrum is mixed of and what it leaves unexplained."""

import json

import numpy as np
import pytest

from lithoscope.core.labels import LabelSet
from lithoscope.core.spectrum import Spectrum
from lithoscope.io import load_instrument, save_spectrum
from lithoscope.models.checkpoint import find_checkpoint
from lithoscope.workflows.choose_instrument import InstrumentChoice
from lithoscope.workflows.classify import classify_spectra
from lithoscope.workflows.explain_spectrum import explained
from lithoscope.workflows.simulate import simulate


def _mixed(parts, counts, seed=0, *, by_counts=False):
    spectra = [simulate(name) for name in parts]
    expected = sum(
        share * one.counts / (one.counts.sum() if by_counts else 1.0)
        for share, one in zip(parts.values(), spectra, strict=True)
    )
    drawn = np.random.default_rng(seed).poisson(expected * counts / expected.sum())
    return Spectrum(drawn, spectra[0].axis, 1.0, "mixed", spectra[0].instrument)


def test_a_pure_mineral_is_itself_and_leaves_nothing():
    answer = classify_spectra([simulate("quartz", counts=20_000, seed=1)])[0]
    assert answer["unexplained"] == []
    assert answer["abundances"] == [
        {"mineral": answer["mineral"], "members": answer["members"], "share": 1.0}
    ]


def test_a_boundary_pixel_is_both_minerals():
    answer = classify_spectra([_mixed({"quartz": 0.6, "orthoclase": 0.4}, 20_000)])[0]
    shares = {part["members"][0]: part["share"] for part in answer["abundances"]}
    assert list(shares) == ["quartz", "orthoclase"]
    assert shares["quartz"] == pytest.approx(0.6, abs=0.05)


def test_copper_in_quartz_is_told_on_the_command_line(tmp_path, lithoscope):
    path = tmp_path / "copper.msa"
    save_spectrum(_mixed({"quartz": 0.96, "Cu": 0.04}, 50_000, by_counts=True), path)
    status, out, _ = lithoscope("classify", path, "--instrument", "m4-tornado")
    assert status == 0
    assert "copper.msa: unexplained: 8.0" in out
    assert "Cu Kα" in out
    status, out, _ = lithoscope("classify", path, "--instrument", "m4-tornado", "--json")
    (peak,) = json.loads(out)[0]["unexplained"]
    assert peak["elements"] == ["Cu"]
    assert peak["energy_keV"] == pytest.approx(8.04, abs=0.03)
    assert peak["significance"] > 5


def test_too_few_counts_explain_nothing():
    answer = classify_spectra([simulate("quartz", counts=10)])[0]
    assert answer["unexplained"] == []
    assert answer["abundances"] == []


def test_a_mineral_that_the_library_lacks_cannot_be_explained():
    from types import SimpleNamespace

    checkpoint = find_checkpoint("default")
    stranger = SimpleNamespace(
        axis=checkpoint.axis,
        labels=LabelSet.of_minerals(["unobtainite", "quartz"]),
        instruments=checkpoint.instruments,
    )
    spectrum = simulate("quartz", counts=3000)
    said = explained(
        checkpoint.axis.rebinner(spectrum.axis)(spectrum.counts[None, :])[0],
        [0, 1],
        checkpoint=stranger,
        choice=InstrumentChoice(load_instrument("m4-tornado"), "option", "instrument"),
        axis=spectrum.axis,
    )
    assert said == {"unexplained": None, "abundances": None}
