"""Which arithmetic pays on this machine."""

from __future__ import annotations

import torch


def cpu_has_bf16() -> bool:
    """Whether the processor multiplies bfloat16 numbers; emulated, they are slower than float32."""
    return "avx512_bf16" in torch.backends.cpu.get_cpu_capability().lower() or bool(
        torch.cpu._is_avx512_bf16_supported()
    )
