"""The benchmark study of Bowles, Ahmed and Schuld (arXiv:2403.07059) on this library's models.

`python -m benchmarks.study FOLDER --setting small` runs cell by cell and can be interrupted at any time; see
`__main__.py` for the options and docs/study.md for the results.
"""
