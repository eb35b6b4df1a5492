"""`python -m untrained`: the command line."""

import os
import sys

if __name__ == "__main__":
    # Python looks into the current folder first, where a file of the user may have the name of any library.
    if not sys.flags.safe_path:
        sys.path.append(sys.path.pop(0))
    os.environ["PYTHONSAFEPATH"] = "1"  # for the workers
    from untrained.cli import main

    main()
