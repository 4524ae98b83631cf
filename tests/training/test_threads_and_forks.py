"""Training in two threads at once and in a forked child, under each of Numba's threading layers."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SETUP = """
import os, threading
import numpy as np
import nnscratch as ns

rows = np.random.default_rng(0)
x, y = rows.random((256, 300)).astype(np.float32), rows.integers(10, size=256)

def start(seed):
    ns.random.seed(seed)
    return ns.Sequential(
        [ns.layers.Dense(300, "gelu", input_dim=300), ns.layers.Dense(10, "softmax")]
    )

def fit(model):
    model.compile("adam", "sparse_categorical_crossentropy")
    with ns.backend("numba"):
        model.fit(x, y, batch_size=128, epochs=3, shuffle=False, verbose=0)
    return b"".join(w.tobytes() for w in model.get_weights())
"""

FORK = """
alone = fit(start(1))
child = os.fork()
same = fit(start(1)) == alone
if child == 0:
    os._exit(0 if same else 1)
print(same, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""

THREADS = """
alone = [fit(start(place)) for place in range(2)]
together = [None] * 2

def use(model, place):
    together[place] = fit(model)

models = [start(place) for place in range(2)]
users = [threading.Thread(target=use, args=(models[i], i)) for i in range(2)]
for user in users:
    user.start()
for user in users:
    user.join()
print(alone == together)
"""


def run(program: str, **variables: str) -> str:
    """What a new process prints in the end."""
    finished = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", SETUP + program],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    return finished.stdout.strip()


layers = pytest.mark.parametrize("layer", ["tbb", "omp", "workqueue"])


@layers
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_trains_as_its_parent(layer):
    said = run(FORK, NUMBA_THREADING_LAYER=layer, NNSCRATCH_NUM_THREADS="2", OMP_NUM_THREADS="1")
    assert said == "True 0"


@layers
def test_two_threads_train_at_once(layer):
    said = run(THREADS, NUMBA_THREADING_LAYER=layer, NNSCRATCH_NUM_THREADS="2", OMP_NUM_THREADS="1")
    assert said == "True"


def test_the_number_of_threads_changes_no_bit():
    program = "print(__import__('hashlib').sha256(fit(start(3))).hexdigest())"
    said = {run(program, NNSCRATCH_NUM_THREADS=n, OMP_NUM_THREADS="1") for n in ("1", "2", "3")}
    assert len(said) == 1
