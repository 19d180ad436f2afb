"""First sweep and study files, drafted from the label files at hand."""
