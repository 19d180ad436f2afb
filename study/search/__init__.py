"""Optuna studies: asked, told, pruned and kept in a journal."""
