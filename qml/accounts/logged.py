"""Estimator whose predictions are logged."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from qml.tables import TableModel

__all__ = ["LoggedModel"]


class LoggedModel:
    """A fitted model that writes a line to a `DecisionLog` for each row that it predicts.

    All other attributes, such as ``classes_`` and ``score``, are those of the model; ``score`` logs nothing, because it
    decides nothing. ``predict`` passes its options on; with options, which may name a backend, the model is called once
    and no probabilities are logged beside the prediction.
    """

    def __init__(self, model: Any, log: Any) -> None:
        self.model, self.log = model, log

    def predict(self, X: Any, **options: Any) -> NDArray[Any]:
        """Predict, and log each row's input digest, prediction and, if the log asks for it, probabilities."""
        X = self.log.features(X)
        prediction = self.model.predict(X, **options)
        wanted = self.log.probability and not options and self._has("predict_proba")
        self.log.append(
            "predict", X, prediction=prediction, probability=self.model.predict_proba(X) if wanted else None
        )
        return prediction

    def fit(self, X: Any, y: Any = None, **options: Any) -> Any:
        """Raise: a log is for one model, which must not change."""
        raise TypeError("a logged model is not trained again: fit the model itself, and open a new log for it")

    partial_fit = set_params = fit

    def _logged(self, name: str) -> Any:
        method = getattr(self.model, name)
        entry = {"predict_proba": "probability"}.get(name, name)

        def call(X: Any, **options: Any) -> NDArray[Any]:
            X = self.log.features(X)
            values = method(X, **options)
            self.log.append(name, X, **{entry: values})
            return values

        return call

    def _has(self, name: str) -> bool:
        model = self.model.estimator if isinstance(self.model, TableModel) else self.model
        return hasattr(model, name)

    def __getattr__(self, name: str) -> Any:
        if name in ("model", "log") or name.startswith("__"):  # absent while being copied or unpickled
            raise AttributeError(name)
        if name in ("predict_proba", "decision_function", "predict_log_proba") and self._has(name):
            return self._logged(name)
        return getattr(self.model, name)

    def __repr__(self) -> str:
        return f"LoggedModel({self.model!r}, {self.log!r})"
