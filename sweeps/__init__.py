"""The user's door: sweep files in, commands out. The only package that prints, exits or reads the command line."""
