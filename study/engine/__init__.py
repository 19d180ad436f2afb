"""Packs trained as their parents finish, every finished stage kept."""
