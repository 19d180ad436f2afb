"""Figures: the data behind each, and how it is drawn."""
