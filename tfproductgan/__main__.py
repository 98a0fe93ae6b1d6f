"""`python -m tfproductgan` is the `tfproductgan` command."""

import sys

from tfproductgan.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
