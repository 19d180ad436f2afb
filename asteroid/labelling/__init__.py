"""Labels and geometries computed here: levels of theory, dynamics, cheap methods."""
