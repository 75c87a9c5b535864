"""Circuits with inputs and weights as differentiable functions."""
