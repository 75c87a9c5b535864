"""Estimators that train a circuit."""
