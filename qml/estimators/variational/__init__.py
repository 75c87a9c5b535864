"""Estimators that train circuits and networks."""
