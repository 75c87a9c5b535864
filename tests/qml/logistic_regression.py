"""An objective without circuits: regularised logistic regression, whose minimum scikit-learn knows."""

import numpy as np

N_WEIGHTS = 5
PENALTY = 0.02
"""Half of this times the squared weights is added to the mean loss; scikit-learn's ``C`` is ``1 / (PENALTY n)``."""


class LogisticRegression:
    """Labels are -1 and 1; ``n_held_out`` rows are for the validation score (their accuracy)."""

    def __init__(self, n_samples=60, n_held_out=0):
        rng = np.random.default_rng(11)
        self.X = rng.normal(size=(n_samples + n_held_out, N_WEIGHTS))
        self.y = np.where(self.X @ rng.normal(size=N_WEIGHTS) + rng.normal(size=len(self.X)) > 0, 1.0, -1.0)
        self.n_samples = n_samples
        self.train = slice(n_samples)
        self.held_out = slice(n_samples, None)

    def value(self, weights, rows):
        margin = self.y[self.train][rows] * (self.X[self.train][rows] @ weights)
        return np.logaddexp(0, -margin).mean() + PENALTY / 2 * weights @ weights

    def value_and_gradient(self, weights, rows):
        X, y = self.X[self.train][rows], self.y[self.train][rows]
        slope = -y / (1 + np.exp(y * (X @ weights)))
        return self.value(weights, rows), X.T @ slope / len(y) + PENALTY * weights

    @property
    def geometry(self):
        return GaussianGeometry(self.X[self.train])

    def with_shots(self, shots, seed):
        return self  # exact, however many

    def spectra(self):
        return [None] * N_WEIGHTS

    def validation_score(self, weights):
        y = self.y[self.held_out]
        return float(np.mean(y * (self.X[self.held_out] @ weights) > 0)) if len(y) else None


class GaussianGeometry:
    """States whose fidelity is ``exp(-d^T M d)`` at a distance d, with M the second moments of the rows."""

    part, layers = slice(0, N_WEIGHTS), np.arange(N_WEIGHTS) // 2

    def __init__(self, X):
        self.X = X

    def metric(self, weights, rows):
        X = self.X[rows]
        return X.T @ X / (4 * len(X))

    def fidelities(self, weights, others, rows):
        moved = others - weights[self.part]
        return np.exp(-np.einsum("oi,ij,oj->o", moved, self.metric(weights, rows), moved))
