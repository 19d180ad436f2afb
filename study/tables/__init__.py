"""The tables of a run and their schemas; without torch."""
