"""Force-field models: one file each, listed in `architectures`."""
