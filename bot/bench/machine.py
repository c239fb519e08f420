"""What a benchmark ran on: figures without it say nothing."""

import importlib.metadata
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot import __version__

_FLAGS = ("avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "asimddp")


def machine_facts(cpuinfo: Path = Path("/proc/cpuinfo")) -> dict[str, Any]:
    """Processor, its vector instructions, cores, Python, Bardling."""
    name, flags = platform.processor() or platform.machine(), list[str]()
    try:
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = list[str]()
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            name = value.strip()
        elif key.strip() in ("flags", "Features"):
            flags = [flag for flag in _FLAGS if flag in value.split()]
    return {
        "cpu": name,
        "cpu_flags": flags,
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "bardling": __version__,
    }


def installed_versions(packages: Sequence[str]) -> dict[str, str]:
    """Of those that are installed in this environment."""
    found: dict[str, str] = {}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
