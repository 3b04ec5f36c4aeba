"""A worker that cannot start, as when a package is missing."""

raise ModuleNotFoundError("No module named 'torch'")
