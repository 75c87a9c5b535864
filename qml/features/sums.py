"""The simplest feature extractor: sums of features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from qml.checked_data import validate_data
from qml.features.scaling import check_result

__all__ = ["SumFeatures"]


class SumFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Adds features up, all of them or group by group.

    The textbook's first classical extractor: an image becomes its ink, a row of a table its total.

    Parameters
    ----------
    groups : None, int, or sequence of sequences of column indices or names
        ``None``: one sum of all columns. A number ``k``: ``k`` groups of neighbouring columns, as equal in size as
        possible (fewer if there are fewer columns). Else the columns of each group; names need an ``X`` with names.

    Attributes
    ----------
    groups_ : list of int ndarray
        The columns of each group.
    n_features_in_ : int
    feature_names_in_ : ndarray of str, only if ``X`` had column names

    Examples
    --------
    >>> from qml.features import SumFeatures
    >>> SumFeatures().fit_transform([[1, 2, 3], [4, 5, 6]])
    array([[ 6.],
           [15.]])
    >>> SumFeatures(groups=[[0, 2], [1]]).fit_transform([[1, 2, 3], [4, 5, 6]])
    array([[ 4.,  2.],
           [10.,  5.]])
    """

    def __init__(self, groups: int | Sequence[Sequence[int | str]] | None = None) -> None:
        self.groups = groups

    def fit(self, X: ArrayLike, y: object = None) -> SumFeatures:
        """Find the columns of each group.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a group is empty or names a column that ``X`` does not have.
        """
        validate_data(self, X, dtype=np.float64)
        columns = np.arange(self.n_features_in_)
        if self.groups is None:
            self.groups_ = [columns]
        elif isinstance(self.groups, int | np.integer):
            if self.groups < 1:
                raise ValueError(f"groups takes a positive number of groups, got {self.groups}")
            self.groups_ = np.array_split(columns, min(int(self.groups), self.n_features_in_))
        else:
            self.groups_ = [self._columns(group) for group in self.groups]
            if not self.groups_:
                raise ValueError("groups is empty: expected at least one group of columns")
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float64]:
        """Sum of each group.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)

        Returns
        -------
        float ndarray, shape (n_samples, n_groups)
        """
        check_is_fitted(self)
        features = validate_data(self, X, dtype=np.float64, reset=False)
        with np.errstate(over="ignore", invalid="ignore"):
            sums = np.column_stack([features[:, group].sum(axis=1) for group in self.groups_])
            check_result(features, sums)
        return sums

    @property
    def _n_features_out(self) -> int:
        return len(self.groups_)

    def _columns(self, group: Sequence[int | str]) -> NDArray[np.intp]:
        if isinstance(group, str) or len(group) == 0:
            raise ValueError(f"a group takes a list of columns, got {group!r}")
        names = list(getattr(self, "feature_names_in_", []))
        columns = []
        for column in group:
            if isinstance(column, str):
                if column not in names:
                    raise ValueError(f"no column is named {column!r}; X has {names or 'no column names'}")
                columns.append(names.index(column))
            elif not 0 <= column < self.n_features_in_:
                raise ValueError(f"column {column} does not exist: X has {self.n_features_in_} columns, counted from 0")
            else:
                columns.append(int(column))
        if len(set(columns)) < len(columns):
            raise ValueError(f"a group names a column twice: {list(group)}")
        return np.array(columns)
