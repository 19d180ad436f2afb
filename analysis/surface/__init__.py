"""Errors over both kinds of labels."""
