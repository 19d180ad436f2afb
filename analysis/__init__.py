"""From a results table to curves, figures and a priced recommendation. Imports no torch, ray or optuna."""
