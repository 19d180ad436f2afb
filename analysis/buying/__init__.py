"""Buying labels in rounds: what the labels owned say of the error, whether it is enough, and what to buy next."""
