"""What the processor of this machine can do, as far as it decides how a network is computed."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
_INSTRUCTION_SETS = {  # names in /proc/cpuinfo, of x86 and of Arm, from the oldest to the newest
    "avx2": "AVX2",
    "avx512f": "AVX-512",
    "avx512_bf16": "AVX512_BF16",
    "avx512_fp16": "AVX512_FP16",
    "amx_bf16": "AMX_BF16",
    "amx_fp16": "AMX_FP16",
    "asimd": "NEON",
    "sve": "SVE",
    "bf16": "BF16",
}


@cache
def instruction_sets() -> tuple[str, ...]:
    """Names of the processor's vector instruction sets, such as AVX2; empty where the system does not list them."""
    features = _cpuinfo_field("flags", "Features").split()
    return tuple(name for feature, name in _INSTRUCTION_SETS.items() if feature in features)


def has_bfloat16() -> bool:
    """Whether the processor has instructions for bfloat16. Emulating them is many times slower than float32."""
    return not {"AVX512_BF16", "AMX_BF16", "BF16"}.isdisjoint(instruction_sets())


@cache
def processor_name() -> str:
    """Display name of the processor."""
    return _cpuinfo_field("model name") or platform.processor() or platform.machine()


def _cpuinfo_field(*names: str) -> str:
    """The value of the first line of /proc/cpuinfo with one of these names; empty if there is none."""
    try:
        lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # only Linux has this file
        return ""
    values = (value.strip() for name, _, value in (line.partition(":") for line in lines) if name.strip() in names)
    return next(values, "")
