"""How far counts are from what is expected of them."""

from __future__ import annotations

import torch
from torch import Tensor


def poisson_deviance(*, counts: Tensor, expected: Tensor) -> Tensor:
    """Poisson deviance of spectra, ``2 sum_j (n_j ln(n_j / m_j) - n_j + m_j)``.

    About the number of bins for counts drawn from what is expected, if that is a few in each.

    Parameters
    ----------
    counts
        Shape (spectrum, bin), 0 or more.
    expected
        Expected counts, shape (spectrum, bin); where they are 0, they are taken for 1e-6.

    Returns
    -------
    Tensor, shape (spectrum,), float64
    """
    observed, means = counts.double(), expected.double().clamp_min(1e-6)
    # xlogy gives 0 for no counts.
    terms = torch.xlogy(observed, observed / means) - observed + means
    return 2 * terms.sum(dim=-1)
