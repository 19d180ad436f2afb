"""One fit loop for packs of models; knows nothing of ASTEROID."""
