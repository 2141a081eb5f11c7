"""The reduced physics against the complete one, and what an encoder can make of it."""

import functools

import numpy as np
import pytest
import torch

from lithoscope.errors import InvalidValueError
from lithoscope.io import load_instrument
from lithoscope.minerals import load_library
from lithoscope.models.inputs import network_inputs
from lithoscope.models.networks.emission import tables_of_m4
from lithoscope.models.networks.physics_autoencoder import PhysicalCode
from lithoscope.models.networks.physics_decoder import PhysicsDecoder
from lithoscope.models.registry import build_network
from lithoscope.physics.compile import compile_instrument, mass_fraction_matrix
from lithoscope.preprocess.model_axis import ModelAxis

# Rocks and ores, light and heavy, with their largest share of counts that may lie elsewhere.
MINERALS = {
    "quartz": 0.04,
    "albite": 0.04,
    "spodumene": 0.04,
    "calcite": 0.01,
    "almandine": 0.01,
    "pyrite": 0.01,
    "chalcopyrite": 0.04,
    "galena": 0.01,
    "zircon": 0.02,
    "cassiterite": 0.03,
    "baryte": 0.02,
    "brucite": 0.06,
}


@functools.cache
def decoder():
    return PhysicsDecoder(tables_of_m4(tuple(ModelAxis().edges_keV)))


@functools.cache
def of_minerals():
    """Mass fractions, and expected spectra of the complete physics with sum one."""
    tables = tables_of_m4(tuple(ModelAxis().edges_keV))
    library = load_library()
    compositions = [library.get(name).composition for name in MINERALS]
    fractions = mass_fraction_matrix(compositions, tables.symbols)
    compiled = compile_instrument(
        instrument=load_instrument("m4-tornado"),
        symbols=tables.symbols,
        edges_keV=tables.edges_keV,
    )
    spectra = compiled.spectra(fractions)
    return torch.from_numpy(fractions).float(), spectra


def ones(count, value=1.0):
    return torch.full((count,), value)


def shares(spectra):
    return spectra / spectra.sum(axis=1, keepdims=True)


def test_spectra_are_nearly_those_of_the_complete_physics():
    fractions, complete = of_minerals()
    reduced = decoder().expected(fractions, ones(len(fractions))).numpy()
    np.testing.assert_allclose(reduced.sum(axis=1), complete.sum(axis=1), rtol=0.15)
    misplaced = np.abs(shares(reduced) - shares(complete)).sum(axis=1) / 2
    for (name, limit), share in zip(MINERALS.items(), misplaced, strict=True):
        assert share < limit, (name, share)
    nearest = np.abs(shares(reduced)[:, None] - shares(complete)[None]).sum(axis=2).argmin(axis=1)
    assert (nearest == np.arange(len(MINERALS))).all()


def test_scatter_is_what_its_factor_scales():
    fractions, _ = of_minerals()
    with_none, once, twice = (
        decoder().expected(fractions, ones(len(fractions), factor)) for factor in (0.0, 1.0, 2.0)
    )
    torch.testing.assert_close(twice - once, once - with_none, rtol=1e-3, atol=1.0)
    quartz, galena = (list(MINERALS).index(name) for name in ("quartz", "galena"))
    share = 1 - with_none.sum(dim=1) / once.sum(dim=1)
    assert share[quartz] > 2 * share[galena] > 0


@pytest.mark.parametrize(("gain", "offset_keV"), [(1.004, 0.0), (1.0, 0.02), (0.997, -0.015)])
def test_calibration_moves_lines_to_where_they_are_recorded(gain, offset_keV):
    fractions, _ = of_minerals()
    edges = ModelAxis().edges_keV
    middles = (edges[:-1] + edges[1:]) / 2
    count = len(fractions)
    still = decoder()(fractions, ones(count), ones(count), ones(count, 0.0)).numpy()
    moved = decoder()(fractions, ones(count), ones(count, gain), ones(count, offset_keV)).numpy()
    np.testing.assert_allclose(moved.sum(axis=1), 1, rtol=1e-5)
    pyrite = list(MINERALS).index("pyrite")
    window = (middles > 6.0) & (middles < 6.8)
    before, after = (
        (one[pyrite] * middles)[window].sum() / one[pyrite][window].sum() for one in (still, moved)
    )
    # The middle of Fe Ka goes where the calibration puts it, to a tenth of a bin.
    assert after == pytest.approx(gain * before + offset_keV, abs=0.005)


def test_gradients_are_those_of_finite_differences():
    fractions, _ = of_minerals()
    exact = PhysicsDecoder(tables_of_m4(tuple(ModelAxis().edges_keV))).double()
    logits = torch.log(fractions[:2].double() + 1e-3).requires_grad_()
    gain = torch.full((2,), 1.0013, dtype=torch.float64, requires_grad=True)

    def decoded(logits, gain):
        spectra = exact.expected(torch.softmax(logits, dim=1), ones(2).double())
        return exact._recorded(spectra, gain, ones(2, 0.004).double()).log().mean()

    decoded(logits, gain).backward()
    step = 1e-6
    for tensor, place in ((logits, (0, 12)), (logits, (1, 7)), (gain, (1,))):
        high, low = tensor.detach().clone(), tensor.detach().clone()
        high[place] += step
        low[place] -= step
        pair = [
            decoded(*(moved if part is tensor else part for part in (logits, gain))).item()
            for moved in (high, low)
        ]
        numeric = (pair[0] - pair[1]) / (2 * step)
        assert tensor.grad[place].item() == pytest.approx(numeric, rel=1e-3, abs=1e-8)


def test_mass_fractions_are_found_by_descent_on_the_decoder():
    """The likeliest fractions of a complete spectrum, found through the decoder, are right."""
    fractions, complete = of_minerals()
    wanted = torch.from_numpy(shares(complete)).float()
    tables = tables_of_m4(tuple(ModelAxis().edges_keV))
    count = len(fractions)
    logits = torch.zeros_like(fractions).requires_grad_()
    optimizer = torch.optim.Adam([logits], lr=0.2)
    for _ in range(250):
        optimizer.zero_grad()
        decoded = decoder()(torch.softmax(logits, 1), ones(count), ones(count), ones(count, 0.0))
        (-(wanted * decoded.log()).sum(dim=1).mean()).backward()
        optimizer.step()
    found = torch.softmax(logits, dim=1).detach()
    for mineral, symbol, tolerance in (
        *(("pyrite", "Fe", 0.05), ("chalcopyrite", "Cu", 0.05), ("zircon", "Zr", 0.08)),
        ("calcite", "Ca", 0.08),
    ):
        place = list(MINERALS).index(mineral), tables.symbols.index(symbol)
        assert found[place] == pytest.approx(float(fractions[place]), abs=tolerance), symbol


def test_the_code_is_what_it_says():
    network = build_network("physics-autoencoder", n_bins=466, n_classes=3).eval()
    counts = torch.poisson(torch.rand(4, 466) * 30)
    with torch.inference_mode():
        code = network.code(*network_inputs(counts))
        decoded = network.decode(code)
    np.testing.assert_allclose(code.fractions.sum(dim=1), 1, rtol=1e-5)
    np.testing.assert_allclose(decoded.sum(dim=1), 1, rtol=1e-5)
    assert code.fractions.shape == (4, len(network.symbols))
    widest = PhysicalCode(torch.ones(1, 1), torch.tensor([[1.0, -1.0, 0.0]]))
    assert widest.gain.item() == pytest.approx(1.01)
    assert widest.offset_keV.item() == pytest.approx(-0.03)
    assert widest.scatter.item() == 1


def test_the_loss_of_a_perfect_decoder_is_the_cross_entropy_alone():
    network = build_network("physics-autoencoder", n_bins=466, n_classes=3).eval()
    counts, classes = torch.poisson(torch.rand(4, 466) * 30), torch.tensor([0, 1, 2, 0])
    inputs = network_inputs(counts)
    with torch.inference_mode():
        own = network.decode(network.code(*inputs)) * 1e4
        loss, logits = network.training_loss(*inputs, own, classes)
        worse, _ = network.training_loss(*inputs, counts, classes)
    entropy = torch.nn.functional.cross_entropy(logits, classes)
    assert loss.item() == pytest.approx(entropy.item(), abs=1e-4)
    assert worse > loss + 0.01


@pytest.mark.parametrize("n_bins", [64, 465])
def test_codes_without_energies_are_refused(n_bins):
    with pytest.raises(InvalidValueError, match=rf"{n_bins} bins(.|\n)*'mlp' for codes"):
        build_network("physics-autoencoder", n_bins=n_bins, n_classes=3)
