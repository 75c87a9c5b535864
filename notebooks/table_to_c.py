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
from pathlib import Path

import numpy as np
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split

from qml.deploy import collapse, export_c
from qml.search import QuantumSearchCV

wine = load_wine(as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(
    wine.data, wine.target, test_size=0.3, stratify=wine.target, random_state=0
)
wine.data.describe().loc[["min", "mean", "max"]].round(2)

# %% [markdown]
# ## The search
#
# Thirty-two trials of two quantum models; every third trial goes to a classical model, so that the comparison is fair. A trial
# that does worse than half of the others at the same point of its training is given up.

# %%
search = QuantumSearchCV(n_trials=32, models=["Reuploading", "KitchenSinks"], random_state=0).fit(X_train, y_train)
print(search.leaderboard_)

# %%
search.plot()

# %% [markdown]
# The score of the winner flatters, as it is the best of many. Rows that no trial has seen tell more:

# %%
print(f"in the search {search.best_score_:.3f}, on the test rows {search.score(X_test, y_test):.3f}")
print({name: value for name, value in search.best_params_.items() if name != "callback"})
search.best_estimator_

# %% [markdown]
# ## A small function
#
# With its weights fixed, a model of a few qubits is a short formula of the features. `collapse` finds it, with the scaling
# and the readout included, and computes it without a simulator.

# %%
model = search.best_estimator_
fast = collapse(model)
rows = X_test.to_numpy()
print(fast.plan)
print("same classes:", bool((fast.predict(rows) == model.predict(X_test)).all()))


def microseconds(predict, sample, repeats=200):
    """Return the median time of a prediction of one row."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        predict(sample)
        times.append(time.perf_counter() - start)
    return 1e6 * np.median(times)


row, frame = np.ascontiguousarray(rows[0]), X_test.iloc[:1]
fast.predict(row)  # compiles the interpreter of collapsed models
print(f"model {microseconds(model.predict, frame, 20):.0f} us, collapsed {microseconds(fast.predict, row):.1f} us")

# %% [markdown]
# ## A C file
#
# The header holds the numbers and the arithmetic, and allocates nothing. `weights="int8"` stores matrices as bytes; what
# that costs in accuracy is measured on the training rows and written into the file.

# %%
folder = Path(tempfile.mkdtemp())
print(export_c(model, folder / "wine.h", samples=X_train))
print(export_c(model, folder / "small.h", samples=X_train, weights="int8", precision="float"))
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
    lines = "\n".join(" ".join(repr(float(value)) for value in values) for values in rows)
    answers = subprocess.run([folder / "wine"], input=lines, capture_output=True, text=True, check=True).stdout.split()
    print("C and Python agree on", sum(np.array(answers, int) == model.predict(X_test)), "of", len(rows), "rows")
    print("size of the program:", (folder / "wine").stat().st_size, "bytes")
else:
    print("no C compiler here")

# %% [markdown]
# ## Next
#
# [Out of the library](../docs/deploy.md) has ONNX, OpenQASM, WebAssembly and streams of frames; [Model
# search](../docs/search.md) has several objectives and nested searches, whose scores may be reported.
