"""Labelled frames and their sets: compositions, atom order, matching, splits."""
