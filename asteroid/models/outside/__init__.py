"""Models that a program of its own trains and predicts with, each in an environment of its own."""
