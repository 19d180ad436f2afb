"""Force fields out of the program: a folder that holds one, predictions with it, and an ASE calculator."""
