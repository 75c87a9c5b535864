"""A search for a model
====================

Search for a quantum model of a table, and ask whether it is better than tuned classical models.

Run with `python examples/search.py` (extra [search]).
"""

from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split

from qml.search import QuantumSearchCV

X, y = load_wine(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=0)

# Two models and the classical ones; without `models`, every estimator of the library takes part. Each trial draws
# settings, and is given up when it does worse than half of the others at the same point of its training.
search = QuantumSearchCV(n_trials=32, models=["Reuploading", "KitchenSinks"], random_state=0)
search.fit(X_train, y_train)
print(search.leaderboard_)

states = [trial.state for trial in search.trials_]
print(f"\n{len(states)} trials, of which {states.count('pruned')} were pruned, in {search.seconds_:.1f} s")
print("best settings:", {name: value for name, value in search.best_params_.items() if name != "callback"})

# The score in the search flatters, as it is the best of many. Rows that no trial has seen tell more.
print(f"accuracy in the search {search.best_score_:.3f}, on the test rows {search.score(X_test, y_test):.3f}")

# What a good score costs: gates on two qubits against accuracy. A model that is beaten in both is not on the front.
trade = QuantumSearchCV(
    n_trials=9, models=["Reuploading", "KitchenSinks"], objectives=("score", "two_qubit_gates"), random_state=0
).fit(X_train, y_train)
for trial in trade.pareto_front_:
    print(f"{trial.family}: accuracy {trial.score:.3f} with {trial.costs[0]:.0f} gates on two qubits")

figure = search.plot()
