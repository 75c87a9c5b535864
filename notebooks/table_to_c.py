# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # From a table to a C file
#
# Search for a model of a table, look at what won, and ship it: first as a small Python function, then as one C header
# that a microcontroller can run. Needs the extra `[search]`; the last part needs a C compiler.

# %%
# %matplotlib inline
import shutil
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split

from qml.deploy import collapse, export_c
from qml.search import QuantumSearchCV

warnings.filterwarnings("ignore", message="IProgress not found")  # of a bar that is not shown
X, y = load_wine(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=0)
print(X_train.shape, X_test.shape)

# %% [markdown]
# ## The search
#
# Thirty-two trials of two quantum models; every third trial goes to a classical model, so that the comparison is
# fair. With `pruner=None` every trial runs to its end; by default, one that does worse than half of the others at the
# same point is stopped early.

# %%
search = QuantumSearchCV(n_trials=32, models=["Reuploading", "Dressed"], pruner=None, random_state=0, verbose=False)
search.fit(X_train, y_train)
print(search.leaderboard_)

# %%
search.plot()

# %% [markdown]
# Read the verdict before the ranking: in the run shown here logistic regression is on top, but it is about one row of
# 124 ahead of the best quantum model, too few to tell them apart. The score of a winner also flatters, as it is the
# best of many. Rows that no trial has seen tell more:

# %%
print(f"in the search {search.best_score_:.3f}, on the test rows {search.score(X_test, y_test):.3f}")
print({name: value for name, value in search.best_params_.items() if name != "callback"})
search.best_estimator_

# %% [markdown]
# ## A small function
#
# With its weights fixed, a model of a few qubits is a formula of the features. `collapse` finds it, with the scaling
# and the readout included, and computes it without a simulator. A circuit has up to three forms: a matrix for each
# observable, a Fourier series, or rotations of a state one by one. The plan says which one was taken, the cheapest, and
# what the others would cost.

# %%
model = search.best_estimator_
fast = collapse(model)
print(fast.plan)
print("same classes:", bool((fast.predict(X_test) == model.predict(X_test)).all()))


def microseconds(predict, sample, repeats=200):
    """Return the median time of a prediction of one row."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        predict(sample)
        times.append(time.perf_counter() - start)
    return 1e6 * np.median(times)


row = np.ascontiguousarray(X_test[0])
fast.predict(row)  # compiles the interpreter of collapsed models
print(f"model {microseconds(model.predict, row[None], 20):.0f} us, collapsed {microseconds(fast.predict, row):.1f} us")

# %% [markdown]
# ## A C file
#
# The header holds the numbers and the arithmetic, and allocates nothing. `weights="int8"` stores matrices as bytes;
# what that costs in accuracy is measured on the training rows and written into the file.

# %%
folder = Path(tempfile.mkdtemp())
for name, settings in {"wine.h": {}, "small.h": {"weights": "int8", "precision": "float"}}.items():
    print(str(export_c(model, folder / name, samples=X_train, **settings)).replace(f"{folder}/", ""))
print("\n".join((folder / "wine.h").read_text("utf-8").splitlines()[:12]))

# %% [markdown]
# A program of ten lines reads rows from its input and writes the class of each:

# %%
PROGRAM = """
#include "wine.h"
#include <stdio.h>
int main(void)
{
    wine_real x[WINE_FEATURES];
    for (;;) {
        for (int i = 0; i < WINE_FEATURES; i++)
            if (scanf("%lf", &x[i]) != 1) return 0;
        printf("%s\\n", wine_class_name(wine_class(x)));
    }
}
"""
(folder / "main.c").write_text(PROGRAM)
if shutil.which("cc"):
    subprocess.run(["cc", "-std=c99", "-O2", "main.c", "-o", "wine", "-lm"], cwd=folder, check=True)
    lines = "\n".join(" ".join(map(str, values)) for values in X_test.tolist())
    answers = subprocess.run([folder / "wine"], input=lines, capture_output=True, text=True, check=True).stdout.split()
    print("C and Python agree on", sum(np.array(answers, int) == model.predict(X_test)), "of", len(X_test), "rows")
    print("size of the program:", (folder / "wine").stat().st_size, "bytes")
else:
    print("no C compiler here")

# %% [markdown]
# ## Next
#
# [Out of the library](../docs/deploy.md) has ONNX, OpenQASM, WebAssembly and streams of frames; [Model
# search](../docs/model_search.md) has several objectives and nested searches, whose scores may be reported.
