"""Assessment of fitted models: reports and comparisons."""
