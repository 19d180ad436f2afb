"""One sweep, one folder."""
