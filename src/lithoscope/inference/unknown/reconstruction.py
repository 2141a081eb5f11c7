"""The spectrum that a network's features stand for, against the one that was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn

from lithoscope.inference.unknown.base import EMPTY, Detector, FloatArray, Seen, tensor
