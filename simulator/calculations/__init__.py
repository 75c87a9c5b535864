"""Calculations on circuits: states, expectations, derivatives and samples."""
