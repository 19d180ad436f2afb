"""From a sweep to a results table: recipes, keyed stages, packs, executors, a store that remembers."""
