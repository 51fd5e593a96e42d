"""The stage with Airflow's web interface, until Ctrl-C."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

from demo.local_airflow import PASSWORD, USER, LocalAirflow
from demo.processes import ProcessError, free_port
from demo.stage import DAG_ID, DAGS, ROOT, Stage


def serve(folder: Path, port: int, kinde_port: int) -> int:
    """Start everything, say where it is, and wait.

    :param port: wanted for the web interface; a free one is taken where something listens there already.
    :param kinde_port: wanted for the local Kinde, likewise.
    """
    stage = Stage(folder)
    print("Starting a local Kinde and `airflow standalone` ... (half a minute)", flush=True)
    try:
        with stage.kinde(_port(kinde_port)) as kinde:
            env = stage.env(kinde)
            # In the metadata database instead of the environment: then it can be seen and edited in the interface.
            connection = json.loads(env.pop("AIRFLOW_CONN_KINDE_DEMO"))
            with LocalAirflow(stage.home, DAGS, env, port=_port(port), standalone=True) as airflow:
                extra = json.dumps(connection.pop("extra"))
                airflow.api("POST", "connections", {"connection_id": "kinde_demo", **connection, "extra": extra})
                airflow.unpause(DAG_ID)
                _say(airflow, kinde.url, stage)
                while True:
                    time.sleep(1)
                    airflow.processes.check()
    except KeyboardInterrupt:
        print("\nstopped")
        return 0
    except ProcessError as error:
        print(f"\n{error}")
        return 1


def _say(airflow: LocalAirflow, kinde: str, stage: Stage) -> None:
    shown = stage.folder.relative_to(ROOT) if stage.folder.is_relative_to(ROOT) else stage.folder
    print(
        f"""
  Airflow      {airflow.url}/dags/{DAG_ID}     log in as {USER}, password {PASSWORD}
  local Kinde  {kinde}

  Try this:
    1. Open the DAG and trigger it: about 290 people arrive in Kinde. Trigger it again: no changes.
    2. Edit {shown}/hr/employees.csv - make a person "Terminated", or delete all rows - and trigger it.
    3. Look at the task logs (ids and counts only), at the plans and reports in {shown}/reports,
       and at Admin > Connections > kinde_demo.

  Ctrl-C ends both.""",
        flush=True,
    )


def _port(wanted: int) -> int:
    with socket.socket() as probe:
        return free_port() if probe.connect_ex(("127.0.0.1", wanted)) == 0 else wanted
