"""Rendered copies of the notebooks, in docs/notebooks: `python -m notebooks.rendering`."""
