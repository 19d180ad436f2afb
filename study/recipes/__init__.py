"""The work of a sweep laid out: settings, chains, recipes, packs, searches."""
