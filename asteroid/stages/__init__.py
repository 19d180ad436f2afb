"""ASTEROID itself: stage specs, bias weights, training, chains and their evaluation."""
