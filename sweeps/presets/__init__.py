"""Sweep files that ship with the package; a preset's name works in place of a file."""
