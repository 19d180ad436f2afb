"""Trained chains out of run and purchase folders, as force fields that go their own way."""
