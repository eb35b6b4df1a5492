"""`python -m untrained`: the command line."""

from untrained.cli import main

if __name__ == "__main__":
    main()
