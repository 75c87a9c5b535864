"""A table with numbers and words, prepared for a quantum model by scikit-learn's own pieces."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from qml.features.reduction import QubitReducer

__all__ = ["tabular_preprocessor"]

Columns = Sequence[int] | Sequence[str] | slice | Callable[..., list[str]]


def tabular_preprocessor(
    n_qubits: int | None = None,
    *,
    numeric: Columns | None = None,
    categorical: Columns | None = None,
    impute: bool = False,
    max_categories: int | None = None,
) -> Pipeline:
    """Make a pipeline that standardises numbers, one-hot encodes words, and keeps as many components as qubits.

    Parameters
    ----------
    n_qubits : int or None
        Maximum number of output features; ``None`` keeps all.
    numeric, categorical : columns, as in :class:`sklearn.compose.ColumnTransformer`, or None
        Numeric and categorical columns. With ``None`` the DataFrame's types decide: numbers are numeric, others (words,
        booleans, categories) categorical. Dates would be categories too, each of its own: make numbers of them before,
        such as the days since the first. Columns named in neither are dropped.
    impute : bool
        Whether empty cells are filled: numbers by the median, words by the most frequent. Otherwise (the default) an
        empty number is an error, and an empty word a separate category.
    max_categories : int or None
        Maximum number of columns per categorical feature; the rarest words share one of them.

    Returns
    -------
    Pipeline
        Unfitted pipeline. A column of two words becomes one column, of more words one column per word; a word unseen in
        ``fit`` becomes zeros, with scikit-learn's warning.

    Examples
    --------
    >>> import pandas as pd
    >>> from qml.features import tabular_preprocessor
    >>> table = pd.DataFrame({"age": [30, 41, 52], "colour": ["red", "blue", "red"]})
    >>> tabular_preprocessor().fit(table).get_feature_names_out().tolist()
    ['age', 'colour_red']
    """
    if (numeric is None) != (categorical is None):
        # Half a guess would silently drop, or use twice, what the other half names.
        missing = "numeric" if numeric is None else "categorical"
        raise ValueError(f"name both kinds of columns or none: {missing} is missing (an empty list is fine)")
    if numeric is None:
        numeric = make_column_selector(dtype_include="number")
        categorical = make_column_selector(dtype_exclude="number")

    number_steps = [SimpleImputer(strategy="median")] if impute else []
    word_steps = [SimpleImputer(strategy="most_frequent")] if impute else []
    # One column is enough for two categories; with `max_categories` a rare word may be a third.
    encoder = OneHotEncoder(
        drop="if_binary" if max_categories is None else None,
        handle_unknown="ignore",
        max_categories=max_categories,
        sparse_output=False,
    )
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(*number_steps, StandardScaler()), numeric),
            ("words", make_pipeline(*word_steps, encoder), categorical),
        ],
        verbose_feature_names_out=False,
    )
    return make_pipeline(columns) if n_qubits is None else make_pipeline(columns, QubitReducer(n_qubits))
