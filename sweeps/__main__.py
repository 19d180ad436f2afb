"""Where the command begins, `asteroid-study` as well as `python -m sweeps`."""

from __future__ import annotations

import sys

from sweeps.foreign_packages import foreign_package


def main() -> None:
    """Run the command, unless another distribution's packages are in its way."""
    problem = foreign_package()
    if problem is not None:
        sys.stderr.write(f"error: {problem}\n")
        sys.exit(2)
    from sweeps.cli import main as run

    run()


if __name__ == "__main__":
    main()
