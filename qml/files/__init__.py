"""File formats: data, never code."""
