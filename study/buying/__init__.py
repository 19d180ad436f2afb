"""Labels bought in rounds until cross-validation inside them says that a target is met."""
