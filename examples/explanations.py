"""Why a model says no
===================

Explain a quantum classifier and a classical one by the same call.

Run with `python examples/explanations.py`. ``explanation.to_html("why.html")`` writes a page for whoever asks why.
"""

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from qml import VariationalClassifier
from qml.explain import counterfactual, explain

rng = np.random.default_rng(0)
loans = pd.DataFrame(
    {
        "income": rng.normal(3000, 800, 200).round(),
        "debts": rng.integers(0, 5, 200),
        "job": rng.choice(["clerk", "nurse", "doctor"], 200),
    }
)
score = (loans["income"] - 3000) / 800 - 0.8 * loans["debts"] + (loans["job"] == "doctor") + 1
granted = np.where(score + 0.3 * rng.normal(size=200) > 0, "yes", "no")


def prepared(classifier):
    """Put the encoding of the columns before a classifier."""
    columns = make_column_transformer((OneHotEncoder(), ["job"]), (StandardScaler(), ["income", "debts"]))
    return make_pipeline(columns, classifier)


models = {
    "quantum": prepared(VariationalClassifier(n_layers=2, epochs=40, random_state=0)),
    "classical": prepared(LogisticRegression()),
}
figures = {}
for name, model in models.items():
    model.fit(loans[:150], granted[:150])
    explanation = explain(model, loans[:150], loans[150:153], granted[:150], random_state=0)
    shares = explanation.importances / explanation.importances.sum()
    print(f"{name}: accuracy {model.score(loans[150:], granted[150:]):.2f} on new rows")
    print("  columns:", {column: f"{share:.0%}" for column, share in zip(explanation.columns, shares, strict=True)})
    print("  nearest other:", counterfactual(model, loans[:150], loans[150:151], fixed=["job"]))
    figures[name] = explanation.plot()
