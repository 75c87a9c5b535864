"""Tools of releases, which no package imports."""
