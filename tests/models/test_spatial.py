"""The network that looks at a pixel's surroundings."""

import numpy as np
import pytest
import torch

from lithoscope.errors import CheckpointError, InvalidValueError
from lithoscope.models.spatial import (
    ALIGNMENT,
    CHANNELS,
    SpatialNetwork,
    SpatialShape,
    load_spatial,
    save_spatial,
)


def random_network(atrous=False):
    torch.manual_seed(3)
    network = SpatialNetwork(SpatialShape((4, 6, 8), atrous)).eval()
    torch.nn.init.normal_(network.score.weight)
    return network


def random_maps(classes=3, height=80, width=72):
    generator = torch.Generator().manual_seed(4)
    maps = torch.randn(1, classes, CHANNELS, height, width, generator=generator)
    return maps, torch.randn(1, classes, height, width, generator=generator)


def test_an_untrained_network_leaves_the_guess_alone():
    maps, guess = random_maps()
    network = SpatialNetwork(SpatialShape())
    torch.testing.assert_close(network(maps, guess), guess)


@pytest.mark.parametrize("atrous", [False, True])
def test_exchanging_classes_exchanges_their_scores(atrous):
    maps, guess = random_maps(classes=5, height=16, width=12)
    order = [3, 0, 4, 1, 2]
    network = random_network(atrous)
    with torch.inference_mode():
        straight, exchanged = network(maps, guess), network(maps[:, order], guess[:, order])
    torch.testing.assert_close(exchanged, straight[:, order], rtol=1e-4, atol=1e-5)
    assert (straight - guess).abs().max() > 0.01


@pytest.mark.parametrize("atrous", [False, True])
def test_a_pixel_sees_as_far_as_it_says_and_not_farther(atrous):
    network = random_network(atrous)
    reach = network.shape.reach
    assert reach % ALIGNMENT == 0
    height = 4 * reach
    maps, guess = random_maps(classes=2, height=height, width=8)
    other = maps.clone()
    middle = height // 2
    other[..., middle, :] += 5.0
    with torch.inference_mode():
        changed = (network(other, guess) - network(maps, guess)).abs().amax(dim=(0, 1, 3)) > 0
    rows = np.flatnonzero(changed.numpy())
    assert middle - reach <= rows.min() <= rows.max() <= middle + reach
    # The bound is no idle one: a pixel sees at least half as far.
    assert rows.max() - rows.min() >= reach


def test_a_file_gives_the_network_back(tmp_path):
    maps, guess = random_maps(height=8, width=8)
    network = random_network(atrous=True)
    save_spatial(network, tmp_path / "a.safetensors")
    again = load_spatial(tmp_path / "a.safetensors")
    assert again.shape == network.shape
    with torch.inference_mode():
        torch.testing.assert_close(again(maps, guess), network(maps, guess), rtol=0, atol=0)


def test_what_is_no_network_is_refused(tmp_path):
    from safetensors.torch import save_file

    with pytest.raises(CheckpointError, match="no spatial network"):
        load_spatial(tmp_path / "absent.safetensors")
    (tmp_path / "cut.safetensors").write_bytes(b"\x10" + bytes(20))
    with pytest.raises(CheckpointError, match="no spatial network"):
        load_spatial(tmp_path / "cut.safetensors")
    for shape in (
        '{"widths": [1, 2], "atrous": false}',
        '{"widths": [4, 6, 9000000], "atrous": false}',
        '{"widths": [4, 6, 8], "atrous": false}',
    ):
        save_file({"x": torch.zeros(2)}, tmp_path / "o.safetensors", metadata={"shape": shape})
        with pytest.raises(CheckpointError, match="no spatial network"):
            load_spatial(tmp_path / "o.safetensors")
    with pytest.raises(InvalidValueError, match="three numbers"):
        SpatialShape((4, 0, 8))
