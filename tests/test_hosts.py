"""Training on two hosts: the losses of one device, and what happens when a host ends. Two processes stand for hosts."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import hosts_script
import numpy as np
import pytest
from conftest import BACKEND

from kerasae.training import processes

HOSTS = hosts_script.HOSTS
SCRIPT = Path(hosts_script.__file__)
OWN = {"jax": "tf.data", "tensorflow": "tf.data", "torch": "DataLoader"}[BACKEND or "jax"]
RUNS = [("vae", "arrays"), ("vae", OWN), ("dense", "PyDataset"), ("dense", "generator")]
LIMIT = 500  # seconds: on a busy machine, starting a process may take a minute


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def environments() -> list[dict]:
    """What each host needs to know of the others, as the frameworks expect it."""
    ports = [free_port() for _ in range(HOSTS)]
    addresses = [f"127.0.0.1:{port}" for port in ports]
    if BACKEND == "jax":
        common = {"KERAS_DISTRIBUTION_JOB_ADDRESSES": addresses[0], "KERAS_DISTRIBUTION_NUM_PROCESSES": str(HOSTS)}
        return [common | {"KERAS_DISTRIBUTION_PROCESS_ID": str(i)} for i in range(HOSTS)]
    if BACKEND == "tensorflow":
        tasks = [{"cluster": {"worker": addresses}, "task": {"type": "worker", "index": i}} for i in range(HOSTS)]
        return [{"TF_CONFIG": json.dumps(task)} for task in tasks]
    return [{"PORT": str(ports[0])} for _ in range(HOSTS)]


def command(host: int, environment: dict, job: dict) -> list:
    launch = []
    if BACKEND == "torch":
        launch = ["-m", "torch.distributed.run", "--nnodes", str(HOSTS), "--nproc-per-node", "1"]
        launch += ["--node-rank", str(host), "--master-addr", "127.0.0.1", "--master-port", environment["PORT"]]
    return [sys.executable, *launch, SCRIPT, json.dumps(job)]


def on_hosts(job: dict) -> list[tuple[int, str, str]]:
    """Run a job on all hosts, and return their exit codes, outputs and errors."""
    started = [
        subprocess.Popen(
            command(i, environment, job),
            env=os.environ
            | environment
            | {"PYTHONPATH": os.pathsep.join([os.environ["PYTHONPATH"], str(SCRIPT.parent)])},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for i, environment in enumerate(environments())
    ]
    try:
        outputs = [process.communicate(timeout=LIMIT) for process in started]
    finally:
        for process in started:
            process.kill()
    return [(process.returncode, *output) for process, output in zip(started, outputs, strict=True)]


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    """A job in which the second host is killed in the second epoch, and the same job again."""
    checkpoints = tmp_path_factory.mktemp("hosts")
    job = {"runs": RUNS, "checkpoints": str(checkpoints)}
    killed = on_hosts(job | {"dies": 1, "at": 1})
    written = sorted(path.name for path in checkpoints.rglob("*.h5"))
    return killed, written, on_hosts(job)


def test_a_host_that_dies_ends_the_job_with_a_sentence(jobs):
    (first, second), written, _ = jobs
    assert first[0] not in (0, None) and second[0] not in (0, None)
    assert "ConnectionError: All 2 processes must run until training ends." in first[2]
    assert written == ["epoch-1.weights.h5"]


def test_the_same_job_resumes_with_the_losses_of_one_device(jobs):
    *_, (first, second) = jobs
    assert (first[0], second[0]) == (0, 0), first[2] + second[2]
    found = json.loads(first[1].splitlines()[-1])
    for family, source in RUNS:
        one = hosts_script.history(family, source)
        several = found[f"{family} {source}"]
        assert several.keys() == one.keys()
        for name, values in one.items():
            # The first run was killed after its first epoch.
            values = values[1:] if source == "arrays" else values
            np.testing.assert_allclose(several[name], values, rtol=1e-4, err_msg=f"{family} {source} {name}")


@pytest.fixture
def two_processes(monkeypatch):
    """Lets `gather` answer as if there were another process with the given numbers."""

    def pretend(other):
        monkeypatch.setattr(processes.backends, "processes", lambda model: 2)
        monkeypatch.setattr(processes.backends, "gather", lambda model, values: np.array([values, other]))

    return pretend


def test_processes_must_begin_alike(two_processes):
    two_processes([3, 5])
    with pytest.raises(ValueError, match=r"resume from the same epoch. Received epochs \[0, 3\]"):
        processes.check_start(None, 0, 5)
    with pytest.raises(ValueError, match=r"same number of batches per epoch. Received \[-1, 5\]"):
        processes.check_start(None, 3, None)


def test_streams_must_give_the_same_batches(two_processes):
    stream = hosts_script.Pictures(hosts_script.X, 10)
    model = hosts_script.conftest.dense()
    two_processes([10, 9])
    with pytest.raises(
        ValueError, match="Received batches of images, in the order of the processes: 10 of 10, 10 of 9"
    ):
        model.evaluate(stream, verbose=0)
    two_processes([0, 0])
    with pytest.raises(ValueError, match="10 of 10, none"):
        model.evaluate(stream, verbose=0)
