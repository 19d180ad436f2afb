"""The executor on Ray: session, workers, shared frames."""
