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
# # Three hospitals, one model
#
# Three hospitals want to tell benign from malignant tumours with a quantum classifier. None of them may give its
# patients' rows away, and none has enough of both kinds. They train together: each improves the model on its own rows,
# and a server averages the changes. What does that cost in accuracy, what does privacy cost on top, and what if one of
# the three lies?

# %%
# %matplotlib inline
import logging
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from qml import SGD, VariationalClassifier
from qml.federated import Federation, GaussianMechanism, LocalClient, dirichlet_split

logging.getLogger("qml.federated").setLevel(logging.ERROR)
SEEDS = range(5)

# %% [markdown]
# ## The data
#
# We use 569 tumours, described by 30 numbers each, which come with scikit-learn. A Dirichlet draw decides which share
# of each class goes to which hospital: with a large alpha, all hospitals are alike; with a small one, a hospital sees
# hardly more than one class.

# %%
X, y = load_breast_cancer(return_X_y=True)


def hospitals_of(alpha, seed):
    """Split off 30 % of the rows for tests, and the others over three hospitals."""
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)
    return dirichlet_split(X_train, y_train, 3, alpha, seed), (X_train, y_train), (X_test, y_test)


figure, axes = plt.subplots(1, 3, figsize=(9, 2.6), sharey=True)
for axis, alpha in zip(axes, (100, 1, 0.3), strict=True):
    counts = np.array([np.bincount(labels, minlength=2) for _, labels in hospitals_of(alpha, 0)[0]])
    axis.bar(["A", "B", "C"], counts[:, 0], label="malignant")
    axis.bar(["A", "B", "C"], counts[:, 1], bottom=counts[:, 0], label="benign")
    axis.set(title=f"alpha = {alpha}", xlabel="hospital")
axes[0].set_ylabel("rows")
axes[0].legend()
figure.tight_layout()
plt.show()

# %% [markdown]
# ## The model
#
# Columns are brought to the same scale, four principal components remain, and a circuit of four qubits follows. All
# of it is learnt without sharing rows: before the first round, the hospitals add up their sums and products of
# columns, and everybody fits the scaler and the components to artificial rows with the same means and covariances.

# %%
model = make_pipeline(
    StandardScaler(), PCA(4), VariationalClassifier(n_layers=2, epochs=40, learning_rate=0.1, random_state=0)
)
hospitals, (X_train, y_train), (X_test, y_test) = hospitals_of(1, 0)
federation = Federation(hospitals, rounds=20, local_epochs=2, random_state=0)
together = federation.fit(model, validation_data=(X_test, y_test))
alone = clone(model).fit(X_train, y_train)
print(
    f"largest difference of the component matrices: {np.abs(together[1].components_ - alone[1].components_).max():.1e}"
)
print(f"a round moves {federation.history_[0].n_bytes} bytes; test accuracy {together.score(X_test, y_test):.3f}")

# %% [markdown]
# ## Together, in one place, or alone
#
# Averaging is one of several strategies. *FedProx* keeps hospitals near the common model while they train, *SCAFFOLD*
# corrects each one's drift. We compare averaging and FedProx with a model that is trained on all rows in one place, and
# with what each hospital reaches on its own, over five splits.


# %%
def mean_of_hospitals(hospitals, test):
    """Mean accuracy of the hospitals' own models; one with a single class can only predict that."""
    scores = []
    for rows, labels in hospitals:
        if len(np.unique(labels)) < 2 or len(rows) < 5:
            scores.append(np.mean(test[1] == np.bincount(labels).argmax()))
        else:
            scores.append(clone(model).fit(rows, labels).score(*test))
    return np.mean(scores)


alphas = (100, 1, 0.3)
accuracy = {name: np.zeros((len(alphas), len(SEEDS))) for name in ("one place", "FedAvg", "FedProx", "alone")}
for i, alpha in enumerate(alphas):
    for seed in SEEDS:
        hospitals, train, test = hospitals_of(alpha, seed)
        accuracy["one place"][i, seed] = clone(model).fit(*train).score(*test)
        accuracy["alone"][i, seed] = mean_of_hospitals(hospitals, test)
        for name in ("FedAvg", "FedProx"):
            federation = Federation(hospitals, name.lower(), rounds=20, local_epochs=2, random_state=seed)
            accuracy[name][i, seed] = federation.fit(model).score(*test)
for name, scores in accuracy.items():
    print(f"{name:9}", "  ".join(f"{s.mean():.3f} +- {s.std():.3f}" for s in scores))

# %%
figure, axis = plt.subplots(figsize=(7, 3.2))
for k, (name, scores) in enumerate(accuracy.items()):
    positions = np.arange(len(alphas)) + 0.2 * (k - 1.5)
    axis.bar(positions, scores.mean(axis=1), 0.18, yerr=scores.std(axis=1), capsize=2, label=name)
axis.set_xticks(range(len(alphas)), [f"alpha = {alpha}" for alpha in alphas])
axis.set(ylabel="test accuracy", ylim=(0.4, 1.0), title="three hospitals, five splits")
axis.legend(loc="lower left", ncols=4)
figure.tight_layout()
plt.show()

# %% [markdown]
# ## The price of privacy
#
# Updates tell something about rows. With DP-SGD, each hospital shortens the gradient of each of its rows and adds noise
# in every step, so that nobody outside can tell whether a row was used, up to a number *epsilon* (smaller is more
# private, and above 10 hardly a promise). The noise is found for a budget; thirty public rows give the scaling, so
# that epsilon covers all that leaves a hospital. Noise is kinder to plain gradient descent than to Adam, which divides
# by the size of the gradients.

# %%
descent = clone(model).set_params(
    variationalclassifier__optimizer=SGD(),
    variationalclassifier__learning_rate=2.0,
    variationalclassifier__batch_size="full",
)
budgets = np.array([0.5, 1, 2, 4, 8, 16])
private = np.zeros((len(budgets), len(SEEDS)))
for seed in SEEDS:
    hospitals, _, test = hospitals_of(100, seed)
    public, rest = (test[0][:30], test[1][:30]), (test[0][30:], test[1][30:])
    for i, budget in enumerate(budgets):
        mechanism = GaussianMechanism(budget=float(budget), delta=1e-3, clip=0.5, at="example")
        federation = Federation(hospitals, rounds=40, privacy=mechanism, reference=public, random_state=seed)
        private[i, seed] = federation.fit(descent).score(*rest)

figure, axis = plt.subplots(figsize=(6, 3.2))
axis.errorbar(budgets, private.mean(axis=1), private.std(axis=1), marker="o", capsize=3, label="private rows")
axis.axhline(accuracy["FedAvg"][0].mean(), color="C1", label="without privacy")
axis.axhline(np.mean(y == 1), color="gray", linestyle=":", label="always benign")
axis.set(xscale="log", xlabel="epsilon (delta = 0.001)", ylabel="test accuracy", title="alpha = 100, five splits")
axis.set_xticks(budgets, [f"{budget:g}" for budget in budgets])
axis.minorticks_off()
axis.legend(loc="lower right")
figure.tight_layout()
plt.show()

# %% [markdown]
# ## One hospital lies
#
# A hospital that wants to spoil the model sends its update with the opposite sign, and longer. A mean follows it; a
# median over three hospitals does not, because two agree.


# %%
class Liar(LocalClient):
    """A hospital that sends its change times a negative number."""

    factor = 0.0

    def train(self, request):
        update = super().train(request)
        return replace(update, change=-self.factor * update.change)


factors = (0, 1, 3, 10)
spoilt = {name: np.zeros((len(factors), len(SEEDS))) for name in ("mean", "median")}
for seed in SEEDS:
    hospitals, _, test = hospitals_of(100, seed)
    for i, factor in enumerate(factors):
        liar = Liar("liar", *hospitals[2])
        liar.factor = factor
        for name, scores in spoilt.items():
            clients = [*hospitals[:2], liar]
            federation = Federation(clients, aggregator=name, rounds=20, local_epochs=2, random_state=seed)
            scores[i, seed] = federation.fit(model).score(*test)

figure, axis = plt.subplots(figsize=(6, 3.2))
for name, scores in spoilt.items():
    axis.errorbar(range(len(factors)), scores.mean(axis=1), scores.std(axis=1), marker="o", capsize=3, label=name)
axis.set_xticks(range(len(factors)), ["0", *(f"-{factor}" for factor in factors[1:])])
axis.set(
    xlabel="factor by which the third hospital multiplies its change",
    ylabel="test accuracy",
    title="alpha = 100, five splits",
)
axis.legend(title="aggregator")
figure.tight_layout()
plt.show()

# %% [markdown]
# ## What it comes to
#
# Three like hospitals lose nothing by training together, and gain little, because each could do it alone. The more they
# differ, the more a federation is worth: at alpha = 0.3 a hospital alone is right on three of four tumours, and the
# federation on more than nine of ten, if its clients are kept from drifting apart; plain averaging then depends on
# luck. Privacy of rows at epsilon = 1 costs about three percent. A single liar ruins a mean, and does nothing to a
# median, which needs an honest majority and cannot be combined with sums that hide the updates.
#
# None of this needs a quantum model: logistic regression would federate as well. What the circuit brings is a model
# with few weights, so that little is sent, and little noise is needed for privacy.
