"""`python -m sweeps`: the command without its console script."""

from sweeps.cli import main

if __name__ == "__main__":
    main()
