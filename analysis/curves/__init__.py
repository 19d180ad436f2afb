"""Fits of one error curve, with predictive intervals."""
