"""Work with exported force fields: predictions, errors, dynamics and checks, with their files."""
