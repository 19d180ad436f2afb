"""Label files to labels with roles: test, pool, cheap pool."""
