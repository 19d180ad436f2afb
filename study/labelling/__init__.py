"""Labelling and sampling that go on where they stopped."""
