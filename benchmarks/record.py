"""Store measurements as JSON, one file per backend; helpers for all benchmarks."""

import importlib.metadata
import json
import os
import platform
import statistics
import time
from pathlib import Path

DIRECTORY = Path(__file__).with_name("speed")
BACKENDS = ("tensorflow", "torch", "jax")
TITLES = {"tensorflow": "TensorFlow", "torch": "PyTorch", "jax": "JAX"}


def backend() -> str:
    """Name of the backend in `KERAS_BACKEND`, which must be set."""
    name = os.environ.get("KERAS_BACKEND")
    if name not in BACKENDS:
        raise SystemExit(f"Set KERAS_BACKEND to one of {', '.join(BACKENDS)}. It is: {name}")
    return name


def kept(name: str) -> dict:
    """Stored measurements of a backend."""
    path = DIRECTORY / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def keep(name: str, part: str, measured: dict) -> None:
    """Store results in a part of the record, with the machine and the date."""
    record = kept(name)
    record[part] = record.get(part, {}) | _rounded(measured)
    record.setdefault("machine", {})[part] = machine(name)
    DIRECTORY.mkdir(exist_ok=True)
    (DIRECTORY / f"{name}.json").write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")


def machine(name: str) -> dict:
    packages = ("keras", "numpy", {"tensorflow": "tensorflow", "torch": "torch", "jax": "jax"}[name])
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "threads": os.environ.get("OMP_NUM_THREADS", "all"),
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d"),
        **{package: importlib.metadata.version(package) for package in packages},
    }


def spread(values) -> dict[str, float]:
    """Median, smallest and largest of several values."""
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


def report(*words) -> None:
    """Print a line of progress."""
    print(*words, flush=True)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _rounded(value):
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value
