"""Fits of one error curve, with honest intervals."""
