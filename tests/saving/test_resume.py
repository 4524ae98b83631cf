"""A training that is killed and started again ends with the bits of one that was left alone."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONPATH": ":".join(sys.path)}


def test_killed_at_fifty_random_points_a_training_ends_as_if_undisturbed():
    """The same as `python tests/resume_500.py` with its 500."""
    script = Path(__file__).parents[1] / "resume_500.py"
    run = subprocess.run(
        [sys.executable, script, "--kills", "50"],
        capture_output=True, text=True, check=False, env=ENVIRONMENT,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    kills, within_a_save = map(int, re.findall(r"\d+", run.stdout)[:2])
    assert kills >= 50
    assert within_a_save >= 1


PROGRAM = """
import hashlib, sys
import numpy as np
import nnscratch as ns

ns.random.seed(1)
rng = np.random.default_rng(0)
x = rng.normal(size=(60, 5))
y = (x[:, :1] > 0).astype(int)
model = ns.Sequential([ns.layers.Dense(8, "relu"), ns.layers.Dropout(0.5), ns.layers.Dense(1)])
model.compile("adam", "mse")
tell = ns.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: print(batch, flush=True))
model.fit(
    x, y, batch_size=6, epochs=4, verbose=0,
    callbacks=[ns.callbacks.BackupAndRestore(sys.argv[1], save_freq=1), tell],
)
print(hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).hexdigest())
"""


def batches_and_digest(folder: Path, kill_after: int | None = None) -> list[str]:
    """What the program prints, in a Python of its own that may be killed on the way."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, folder], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.strip())
        if len(lines) == kill_after:
            process.kill()
    process.stdout.close()
    assert process.wait() == (0 if kill_after is None else -signal.SIGKILL)
    return lines


def test_the_same_program_run_again_goes_on(tmp_path):
    *every, digest = batches_and_digest(tmp_path / "alone")
    assert every == [str(batch) for batch in range(10)] * 4
    folder = tmp_path / "killed"
    first = batches_and_digest(folder, kill_after=7)
    second = batches_and_digest(folder, kill_after=13)
    *third, ended = batches_and_digest(folder)
    assert ended == digest
    assert len(every) <= len(first) + len(second) + len(third) <= len(every) + 2
    assert not list(folder.iterdir())
