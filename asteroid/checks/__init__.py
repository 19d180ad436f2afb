"""What labels must pass before anything is trained on them."""
