"""``python -m demo``: the story in a terminal; ``python -m demo --ui``: the same stage with Airflow's web interface."""

from __future__ import annotations

import argparse
import signal
import sys

from demo.stage import ROOT


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m demo", description="HR to Kinde with Airflow, on this machine.")
    parser.add_argument("--ui", action="store_true", help="Airflow's web interface and a local Kinde, until Ctrl-C")
    parser.add_argument("--port", type=int, default=8080, help="of the web interface (8080)")
    parser.add_argument("--kinde-port", type=int, default=8900, help="of the local Kinde with --ui (8900)")
    options = parser.parse_args()
    # A plain `kill` must end the children as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if options.ui:
        from demo.ui import serve

        return serve(ROOT / ".airflow" / "demo-ui", options.port, options.kinde_port)
    from demo.story import play

    return play(ROOT / ".airflow" / "demo")


if __name__ == "__main__":
    sys.exit(main())
