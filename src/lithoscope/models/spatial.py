"""A small U-Net that looks at a pixel's surroundings, the same for every class.

A scan holds minerals that no training map held together, so the network has no output per class: it
is applied to the maps of each class by themselves, with the same weights, and the classes then
compete in a softmax. Exchanging two classes exchanges their results (permutation equivariance, as
in Zaheer et al. 2017, Deep Sets, arXiv:1703.06114). What the classes have in common at a pixel, the
greatest of each feature, is shown to all of them after the first layers.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from lithoscope.errors import CheckpointError, InvalidValueError
from lithoscope.io.aside import written_aside

# Maps of a class that the network is shown; see `lithoscope.segmentation.spatial`.
CHANNELS = 6
# The map is halved twice.
ALIGNMENT = 4
_RATES = (1, 2, 4)
# No file may ask for more.
_MOST_FILTERS = 512


@dataclass(frozen=True)
class SpatialShape:
    """What a `SpatialNetwork` looks like.

    Parameters
    ----------
    widths
        Filters at full, half and quarter resolution.
    atrous
        Whether a pyramid of dilated convolutions stands at the bottom instead of plain ones, after
        DeepLabV3+ (Chen et al. 2018, arXiv:1802.02611).
    """

    widths: tuple[int, int, int] = (16, 24, 32)
    atrous: bool = False

    def __post_init__(self) -> None:
        if len(self.widths) != 3 or not 1 <= min(self.widths) <= max(self.widths) <= _MOST_FILTERS:
            raise InvalidValueError(
                f"A spatial network of widths {self.widths}.",
                expected=f"three numbers from 1 to {_MOST_FILTERS}",
            )

    @property
    def reach(self) -> int:
        """How far a pixel sees, in pixels, a multiple of `ALIGNMENT`."""
        bottom = max(_RATES) + 1 if self.atrous else 2
        # Two convolutions each at full and half resolution, down and up; those at the bottom; and
        # the cell of pixels that the bottom has become.
        return 2 * (2 + 4) + ALIGNMENT * bottom + ALIGNMENT


class SpatialNetwork(nn.Module):
    """From maps of each class to a score of each class, from a first guess on.

    Parameters
    ----------
    shape
        Widths and kind.
    """

    def __init__(self, shape: SpatialShape) -> None:
        super().__init__()
        self.shape = shape
        full, half, quarter = shape.widths
        self.down_full = _convolutions(CHANNELS, full)
        self.common = nn.Conv2d(full, full, 1)
        self.down_half = _convolutions(full, half)
        bottom = AtrousPyramid if shape.atrous else _convolutions
        self.bottom = bottom(half, quarter)
        self.up_half = _convolutions(quarter + half, half)
        self.up_full = _convolutions(half + full, full)
        self.score = nn.Conv2d(full, 1, 1)
        # An untrained network leaves the first guess alone.
        nn.init.zeros_(self.score.weight)
        nn.init.zeros_(self.score.bias)  # type: ignore[arg-type]

    def forward(self, maps: Tensor, guess: Tensor) -> Tensor:
        """Score the classes.

        Parameters
        ----------
        maps
            Shape (scan, class, channel, y, x), y and x multiples of `ALIGNMENT`.
        guess
            Logarithm of each class's probability by a first guess, shape (scan, class, y, x).

        Returns
        -------
        Tensor, shape (scan, class, y, x)
            Logits over the classes.
        """
        scans, classes = maps.shape[:2]
        first = self.down_full(maps.flatten(0, 1))
        common = first.unflatten(0, (scans, classes)).amax(dim=1, keepdim=True)
        shared = self.common(common.flatten(0, 1)).unflatten(0, (scans, 1))
        first = torch.relu(first.unflatten(0, (scans, classes)) + shared).flatten(0, 1)
        second = self.down_half(nn.functional.max_pool2d(first, 2))
        third = self.bottom(nn.functional.max_pool2d(second, 2))
        found = self.up_half(torch.cat([_doubled(third), second], dim=1))
        found = self.up_full(torch.cat([_doubled(found), first], dim=1))
        return guess + self.score(found).unflatten(0, (scans, classes)).squeeze(2)


class AtrousPyramid(nn.Module):
    """Convolutions of several dilations beside each other, joined by one of a single pixel."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Conv2d(inputs, outputs // 2, 3, padding=rate, dilation=rate) for rate in _RATES
        )
        self.join = nn.Conv2d(len(_RATES) * (outputs // 2), outputs, 1)
        self.after = nn.Conv2d(outputs, outputs, 3, padding=1)

    def forward(self, maps: Tensor) -> Tensor:
        """From (map, input, y, x) to (map, output, y, x)."""
        found = torch.cat([torch.relu(branch(maps)) for branch in self.branches], dim=1)
        return torch.relu(self.after(torch.relu(self.join(found))))


def _convolutions(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.ReLU(inplace=True),
    )


def _doubled(maps: Tensor) -> Tensor:
    return nn.functional.interpolate(maps, scale_factor=2, mode="nearest")


def save_spatial(network: SpatialNetwork, path: Path) -> None:
    """Write a network as one safetensors file, its shape in the header."""
    from safetensors.torch import save_file

    weights = {name: values.contiguous() for name, values in network.state_dict().items()}
    with written_aside(path) as aside:
        save_file(weights, aside, metadata={"shape": json.dumps(asdict(network.shape))})


def load_spatial(path: Path) -> SpatialNetwork:
    """Read what `save_spatial` wrote, ready to be applied.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, or of another kind.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            values = json.loads((file.metadata() or {})["shape"])
            shape = SpatialShape(tuple(values["widths"]), bool(values["atrous"]))
            network = SpatialNetwork(shape)
            network.load_state_dict({name: file.get_tensor(name) for name in network.state_dict()})
    except (
        OSError,
        SafetensorError,
        KeyError,
        TypeError,
        ValueError,
        RuntimeError,
        InvalidValueError,
    ) as error:
        raise CheckpointError(
            f"{path} is no spatial network: {error}.",
            expected="a file that save_spatial wrote",
            remedy="copy the file again",
        ) from error
    return network.eval()
