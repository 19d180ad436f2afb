"""Purchases between the study, which makes them, and the analysis, which decides and certifies."""
