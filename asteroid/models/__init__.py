"""Force-field models, one file each."""
