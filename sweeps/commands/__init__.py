"""The commands of `asteroid-study`, one file each."""
