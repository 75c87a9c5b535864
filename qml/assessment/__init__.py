"""Judgements of a fitted model: reports and comparisons."""
