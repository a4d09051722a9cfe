"""`python -m device` is the command `intercomd`."""

import sys

from device.cli import main

if __name__ == "__main__":
    sys.exit(main())
