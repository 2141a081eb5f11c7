"""Rayleigh and Compton scatter of many compositions at once."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lithoscope.physics.fluorescence import depth_factor_from_sines
from lithoscope.physics.multiple_scatter import (
    MultipleScatterTables,
    multiple_from_single_scatter,
)

FloatArray = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class ScatterTables:
    """Cross sections in cm²/g/sr and cm²/g; rows follow the elements, columns the source's nodes.

    Parameters
    ----------
    seen
        Photons of each node times the detector's solid angle, shape (node,).
    rayleigh, compton
        Differential, towards the detector, shape (element, node).
    attenuation_in, attenuation_compton
        At the nodes, and after Compton scatter, shape (element, node).
    multiple
        For more than one scatter.
    broad
        Nodes whose Compton peaks are broadened, shape (node,).
    energies_keV
        Energies of scattered photons, shape (photon,): of the nodes after Rayleigh scatter, of
        those that are not broadened after Compton scatter, and of the bins over which broadened
        peaks spread.
    profiles
        Share of a broadened peak in each bin, shape (element, broad node, bin).
    double_profiles
        The same after two Compton scatters, shape (broad node, bin).
    """

    seen: FloatArray
    rayleigh: FloatArray
    compton: FloatArray
    attenuation_in: FloatArray
    attenuation_compton: FloatArray
    multiple: MultipleScatterTables
    broad: NDArray[np.bool_]
    energies_keV: NDArray[np.float64]
    profiles: FloatArray
    double_profiles: FloatArray

    @property
    def nbytes(self) -> int:
        """Memory of the tables."""
        tables = (
            *(self.rayleigh, self.compton, self.attenuation_in, self.attenuation_compton),
            *(self.multiple.rayleigh, self.multiple.compton, self.multiple.scattering),
            *(self.profiles, self.double_profiles),
        )
        return sum(table.nbytes for table in tables)

    def astype(self, dtype: type[np.floating]) -> ScatterTables:
        """Return the tables in another precision."""
        return dataclasses.replace(
            self,
            seen=self.seen.astype(dtype),
            rayleigh=self.rayleigh.astype(dtype),
            compton=self.compton.astype(dtype),
            attenuation_in=self.attenuation_in.astype(dtype),
            attenuation_compton=self.attenuation_compton.astype(dtype),
            multiple=self.multiple.astype(dtype),
            profiles=self.profiles.astype(dtype),
            double_profiles=self.double_profiles.astype(dtype),
        )

    def of_elements(self, present: NDArray[np.int64]) -> ScatterTables:
        """Return the tables of some of the elements."""
        return dataclasses.replace(
            self,
            rayleigh=self.rayleigh[present],
            compton=self.compton[present],
            attenuation_in=self.attenuation_in[present],
            attenuation_compton=self.attenuation_compton[present],
            multiple=self.multiple.of_elements(present),
            profiles=self.profiles[present],
        )

    def photons(
        self,
        fractions: FloatArray,
        mass_thickness_g_cm2: FloatArray,
        diffuse_share: FloatArray,
        sine_in: FloatArray,
        sine_out: FloatArray,
    ) -> FloatArray:
        """Scattered photons in the detector's solid angle.

        Parameters
        ----------
        fractions
            Mass fractions, shape (sample, element).
        mass_thickness_g_cm2
            Shape (sample,).
        diffuse_share
            Factor on Rayleigh scatter, shape (sample, node).
        sine_in, sine_out
            Sines of the angles of beam and detector to each surface, shape (sample,). The share of
            multiple scatter is that of the instrument's own angles.

        Returns
        -------
        ndarray, shape (sample, photon), photons/s at `energies_keV`
        """
        attenuation = fractions @ self.attenuation_in
        rayleigh = fractions @ self.rayleigh
        compton = fractions @ self.compton
        more = multiple_from_single_scatter(
            tables=self.multiple,
            mass_fractions=fractions,
            attenuation=attenuation,
            rayleigh=rayleigh,
            compton=compton,
            mass_thickness_g_cm2=mass_thickness_g_cm2,
        )
        back, shifted = (
            depth_factor_from_sines(
                attenuation_in=attenuation,
                attenuation_out=out,
                sine_in=sine_in[:, None],
                sine_out=sine_out[:, None],
                mass_thickness_g_cm2=mass_thickness_g_cm2[:, None],
            )
            for out in (attenuation, fractions @ self.attenuation_compton)
        )
        depth = self.seen * shifted
        broad = self.broad
        by_element = fractions[:, :, None] * self.compton[:, broad]
        by_element *= (depth * (1 + more.compton))[:, None, broad]
        peaks = by_element.reshape(len(fractions), -1) @ self.profiles.reshape(
            -1, self.profiles.shape[2]
        )
        peaks += (depth * compton * more.double_compton)[:, broad] @ self.double_profiles
        smooth = depth * compton * (1 + more.compton + more.double_compton)
        elastic = self.seen * back * rayleigh * (1 + more.rayleigh) * diffuse_share
        return np.concatenate([elastic, smooth[:, ~broad], peaks], axis=1)
