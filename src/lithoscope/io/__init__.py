"""Scans, spectra and instruments, from files and back."""

from __future__ import annotations
