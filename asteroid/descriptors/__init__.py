"""Positions to tensors: what the descriptor network learns from."""
