"""The network for line intensities: learns, is saved whole, and maps a scan."""

import numpy as np
import pytest
import torch

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.labels import LabelSet
from lithoscope.core.scan import Scan
from lithoscope.errors import CheckpointError, InvalidValueError
from lithoscope.inference.line_maps import element_maps
from lithoscope.io import load_instrument
from lithoscope.minerals import load_library
from lithoscope.models.line_model import LineModel, load_line_model, save_line_model
from lithoscope.models.networks.cnn_lines import CnnLines, deviance_of_shares
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.synthesis.conditions import Condition
from lithoscope.synthesis.generations import GenerationSize
from lithoscope.synthesis.stream import SpectrumStream
from lithoscope.training.fit import seed_weights
from lithoscope.training.fit_lines import LineBatches, fit_lines
from lithoscope.training.loop import FitSettings

NAMES = ("orthoclase", "halite", "hematite", "galena")
BATCH = 32
CONDITION = Condition("test", {"poisson": 2.0}, (3000.0, 3000.0))


def make_stream(*, lines=True, batch_size=BATCH):
    library = load_library()
    return SpectrumStream(
        [library.get(name) for name in NAMES],
        LabelSet.of_minerals(NAMES),
        [load_instrument("m4-tornado")],
        CONDITION,
        ModelAxis().edges_keV,
        batch_size=batch_size,
        seed=7,
        size=GenerationSize(machines=1, per_machine=128),
        lines=lines,
    )


class OneBatch(SpectrumStream):
    """Gives its first batch for every number."""

    def batch(self, number):
        return super().batch(0)


@pytest.fixture(scope="module")
def stream():
    return make_stream()


def network_for(stream, seed=0):
    seed_weights(seed)
    return CnnLines(2, len(ModelAxis()), len(stream.line_groups))


def model_of(network, stream):
    network.eval()
    return LineModel(network, stream.line_groups, ModelAxis(), CONDITION, ("m4-tornado",), {"a": 1})


def test_it_learns_a_tiny_set_by_heart(stream, tmp_path):
    network, same = network_for(stream), make_stream()
    same.__class__ = OneBatch
    batch = same.batch(0)

    def error(network):
        """Error of the shares, in units of the noise that the net counts would have."""
        net = model_of(network, stream).net_counts(batch.counts)
        found = net / batch.counts.sum(dim=1, keepdim=True) * batch.totals[:, None]
        network.train()
        return ((found - batch.lines) / batch.lines.clamp_min(1).sqrt()).square().mean().sqrt()

    before = error(network)
    fit_lines(
        network, same, FitSettings(spectra=200 * BATCH, batch_size=BATCH), log_folder=tmp_path
    )
    assert error(network) < 0.3 < 2.0 < before


def test_deviance_is_that_of_poisson_counts():
    shares, guessed = torch.tensor([[0.5, 0.3, 0.2]]), torch.tensor([[0.4, 0.4, 0.2]])
    totals = torch.tensor([900.0])
    n, m = 900 * shares.double(), 900 * guessed.double()
    deviance = 2 * (n * torch.log(n / m) - (n - m)).sum()
    found = deviance_of_shares(guessed.log(), shares, totals)
    assert found.item() == pytest.approx(deviance.item() / 30, rel=1e-5)
    assert deviance_of_shares(shares.log(), shares, totals).item() == pytest.approx(0, abs=1e-5)
    # Groups that are not there cost what is given to them.
    absent = torch.tensor([[1.0, 0.0, 0.0]])
    assert torch.isfinite(deviance_of_shares(guessed.log(), absent, totals))


def test_the_rest_makes_shares_whole(stream):
    batch = LineBatches(stream).batch(0)
    torch.testing.assert_close(batch.classes[:, :-1].sum(dim=1), torch.ones(BATCH))
    torch.testing.assert_close(batch.classes[:, -1], torch.full((BATCH,), 3000.0))


def test_what_does_not_fit_is_refused(stream, tmp_path):
    settings = FitSettings(spectra=BATCH, batch_size=BATCH)
    with pytest.raises(InvalidValueError, match="without net counts"):
        fit_lines(network_for(stream), make_stream(lines=False), settings, log_folder=tmp_path)
    with pytest.raises(InvalidValueError, match="3 outputs"):
        fit_lines(CnnLines(2, len(ModelAxis()), 2), stream, settings, log_folder=tmp_path)
    with pytest.raises(InvalidValueError, match="3 outputs"):
        model_of(CnnLines(2, len(ModelAxis()), 2), stream)


def test_a_model_is_saved_whole(stream, tmp_path):
    model, path = model_of(network_for(stream), stream), tmp_path / "lines.safetensors"
    save_line_model(model, path)
    back = load_line_model(path)
    counts = stream.batch(0).counts
    assert torch.equal(back.net_counts(counts), model.net_counts(counts))
    assert (back.groups, back.axis, back.condition) == (model.groups, model.axis, model.condition)
    assert back.card == {"a": 1}
    assert back.instruments == ("m4-tornado",)


def test_damaged_models_are_refused(stream, tmp_path):
    path = tmp_path / "lines.safetensors"
    with pytest.raises(CheckpointError, match="missing"):
        load_line_model(path)
    save_line_model(model_of(network_for(stream), stream), path)
    content = bytearray(path.read_bytes())
    content[-5] ^= 0x40
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="not those the model was saved with"):
        load_line_model(path)
    path.write_bytes(content[:1000])
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_line_model(path)
    path.write_bytes(bytes(content).replace(b'\\"format\\": 1', b'\\"format\\": 9'))
    with pytest.raises(CheckpointError, match="format 9"):
        load_line_model(path)


def test_estimates_are_shares_of_the_counts(stream):
    model = model_of(network_for(stream), stream)
    counts = stream.batch(0).counts
    net = model.net_counts(counts)
    assert (net >= 0).all()
    assert (net.sum(dim=1) < counts.sum(dim=1)).all()
    # Beyond what it was trained for the shares stay what they are.
    torch.testing.assert_close(model.net_counts(64 * counts), model.net_counts(32 * counts) * 2)
    assert model.net_counts(counts[:0]).shape == (0, len(stream.line_groups))
    with pytest.raises(InvalidValueError, match="on the model's axis"):
        model.net_counts(counts[:, :-1])


def test_maps_of_a_scan_are_those_of_its_pixels(stream):
    model = model_of(network_for(stream), stream)
    axis = EnergyAxis(0.0, 0.01, 4096)
    counts = np.random.default_rng(0).poisson(0.5, (5, 3, 4096)).astype(np.uint16)
    seen = []
    scan = Scan.from_counts(counts, axis)
    maps = element_maps(model, scan, progress=lambda done, rows: seen.append((done, rows)))
    assert maps.net_counts.shape == (5, 3, len(maps.elements))
    assert seen[-1] == (5, 5)
    net = model.net_counts(torch.from_numpy(model.axis.rebinner(axis)(counts[4, 2][None])))[0]
    lead = sum(
        value.item()
        for group, value in zip(model.groups, net, strict=True)
        if group.element == "Pb"
    )
    assert maps.of("Pb")[4, 2] == pytest.approx(lead, rel=1e-5)
    with pytest.raises(InvalidValueError, match="no map of 'Xx'"):
        maps.of("Xx")
    with pytest.raises(InvalidValueError, match="at least 5 keV"):
        element_maps(model, Scan.from_counts(counts[..., :100], EnergyAxis(0.0, 0.01, 100)))
