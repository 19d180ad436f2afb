"""Label and geometry files, in and out: one file a format."""
