"""Expected spectra with all that is known of them, as distortions need it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.errors import InvalidValueError
from lithoscope.physics.compiled import CompiledInstrument
from lithoscope.physics.detector import fano_term_from_factor

Table = Callable[["Machine"], NDArray[np.floating]]
# From the edges of the fine bins to a matrix that rows of bins are multiplied with.
Operator = Callable[[NDArray[np.float64]], scipy.sparse.csr_array]


@dataclass(frozen=True, eq=False)
class Machine:
    """A machine as it was drawn, compiled.

    Parameters
    ----------
    compiled
        Its tables; they hold the instrument as drawn.
    parameters
        What was drawn, by distortion and name.
    tables
        What distortions have computed of it, by the function that did.
    """

    compiled: CompiledInstrument
    parameters: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    tables: dict[Table, NDArray[np.floating]] = field(default_factory=dict)

    def table(self, function: Table) -> NDArray[np.floating]:
        """Return what a function computes of this machine, computed once."""
        if function not in self.tables:
            self.tables[function] = function(self)
        return self.tables[function]


@dataclass(frozen=True, eq=False)
class Generation:
    """Expected spectra of many grains on several machines, each seen once in training.

    Parameters
    ----------
    machines
        The machines; each has as many spectra, those of the first come first.
    edges_keV
        Edges of the fine bins, shape (bin + 1,).
    counted
        Share of each bin that lies inside the target's axis, shape (bin,).
    spectra
        Shape (spectrum, bin), float32; rows have sum one inside the target's axis.
    rates
        Counts per second that a row of `spectra` stands for, shape (spectrum,).
    classes, minerals
        Class, and place in the list of minerals, of each, shape (spectrum,).
    fractions
        Mass fractions of the machines' elements, shape (spectrum, element).
    sines
        Sines of the angles of beam and detector to the surface, shape (spectrum, 2).
    spacings_A
        Distances of lattice planes, shape (mineral, plane), infinite where there is no cell.
    surface_parameters
        What was drawn of the surfaces, by distortion and name, shapes (spectrum,).
    operators
        Matrices made from the bins alone; generations of the same bins share them.
    stacks
        What distortions have computed of the machines.
    lines
        Net counts of groups of lines as shares of a row's counts on the target's axis, shape
        (spectrum, group); None where nobody asked for them.
    """

    machines: tuple[Machine, ...]
    edges_keV: Tensor
    counted: Tensor
    spectra: Tensor
    rates: Tensor
    classes: Tensor
    minerals: Tensor
    fractions: Tensor
    sines: Tensor
    spacings_A: Tensor
    surface_parameters: Mapping[str, Mapping[str, Tensor]]
    operators: dict[Operator, Tensor] = field(default_factory=dict)
    stacks: dict[Table, Tensor] = field(default_factory=dict)
    lines: Tensor | None = None

    def __post_init__(self) -> None:
        count = len(self.spectra)
        if self.spectra.shape[1] != self.edges_keV.numel() - 1 or count % len(self.machines):
            raise InvalidValueError(
                f"Spectra of shape {tuple(self.spectra.shape)} of {len(self.machines)} machines.",
                expected=f"{self.edges_keV.numel() - 1} bins, and as many of each machine",
            )
        for name in ("rates", "classes", "minerals", "fractions", "sines"):
            if len(getattr(self, name)) != count:
                raise InvalidValueError(
                    f"{count} spectra with {len(getattr(self, name))} {name}.",
                    expected="one of each for each spectrum",
                )

    def __len__(self) -> int:
        return len(self.spectra)

    @property
    def per_machine(self) -> int:
        """Spectra of each machine."""
        return len(self) // len(self.machines)

    def operated(self, spectra: Tensor, function: Operator) -> Tensor:
        """Multiply spectra, shape (batch, bin), with a matrix that is made of the bins."""
        if function not in self.operators:
            matrix = function(self.edges_keV.double().cpu().numpy()).T.tocsr().astype(np.float32)
            with warnings.catch_warnings():
                # torch calls its sparse tensors a beta.
                warnings.filterwarnings("ignore", message="Sparse CSR tensor support")
                made = torch.sparse_csr_tensor(
                    torch.from_numpy(matrix.indptr.astype(np.int64)),
                    torch.from_numpy(matrix.indices.astype(np.int64)),
                    torch.from_numpy(matrix.data),
                    size=matrix.shape,
                    check_invariants=True,
                )
            self.operators[function] = made.to(spectra.device)
        return (self.operators[function] @ spectra.T).T

    def stacked(self, function: Table) -> Tensor:
        """Return what a function computes of each machine, shape (machine, ...)."""
        if function not in self.stacks:
            tables = [machine.table(function) for machine in self.machines]
            stack = torch.from_numpy(np.stack(tables).astype(np.float32))
            self.stacks[function] = stack.to(self.spectra.device)
        return self.stacks[function]


@dataclass(frozen=True, eq=False)
class ExpectedBatch:
    """Some rows of a generation.

    Parameters
    ----------
    generation
        Where they come from.
    rows
        Which they are, shape (batch,).
    """

    generation: Generation
    rows: Tensor

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def edges_keV(self) -> Tensor:
        """Edges of the fine bins, shape (bin + 1,)."""
        return self.generation.edges_keV

    @property
    def middles_keV(self) -> Tensor:
        """Middles of the fine bins, shape (bin,)."""
        return (self.edges_keV[:-1] + self.edges_keV[1:]) / 2

    @property
    def machines(self) -> Tensor:
        """The machine of each spectrum, shape (batch,)."""
        return self.rows // self.generation.per_machine

    def spectra(self) -> Tensor:
        """The expected spectra, a copy, shape (batch, bin)."""
        return self.generation.spectra[self.rows]

    def of(self, chosen: Tensor) -> ExpectedBatch:
        """Return the part that a mask or indices choose."""
        return ExpectedBatch(self.generation, self.rows[chosen])

    def others(self, numbers: Tensor) -> ExpectedBatch:
        """Return spectra measured on the same machines.

        Parameters
        ----------
        numbers
            Any whole numbers of 0 or more, shape (batch,); each stands for one spectrum of the
            machine.
        """
        per_machine = self.generation.per_machine
        return ExpectedBatch(self.generation, self.machines * per_machine + numbers % per_machine)

    def table(self, function: Table) -> Tensor:
        """Return what a function computes of each spectrum's machine, shape (batch, ...)."""
        return self.generation.stacked(function)[self.machines]

    def fwhm_keV(self, energies_keV: Tensor) -> Tensor:
        """Resolution of each spectrum's detector at its energies, shape (batch, energy)."""
        widths = self.table(resolution_of_machine)
        return torch.sqrt(widths[:, :1] + widths[:, 1:] * energies_keV.clamp_min(0))

    def attenuation(self, function: Table) -> Tensor:
        """Mass attenuation of each sample, shape (batch, bin), in cm²/g.

        Parameters
        ----------
        function
            Gives the coefficients of a machine's elements, shape (element, bin).
        """
        tables, fractions = self.generation.stacked(function), self.generation.fractions[self.rows]
        result = fractions.new_empty(len(self), tables.shape[2])
        for number in torch.unique(self.machines).tolist():
            own = self.machines == number
            result[own] = fractions[own] @ tables[number]
        return result


def resolution_of_machine(machine: Machine) -> NDArray[np.float64]:
    """``(a, b)`` of ``FWHM^2 = a + b E``, in keV² and keV."""
    detector = machine.compiled.instrument.detector
    return np.array([detector.noise_keV**2, fano_term_from_factor(fano=detector.fano)])
