"""``python -m kinde_emulator`` does what ``kinde-emulator`` does."""

import sys

from kinde_emulator.cli import main

if __name__ == "__main__":
    sys.exit(main())
