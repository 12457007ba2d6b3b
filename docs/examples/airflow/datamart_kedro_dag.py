"""One task is one run of the pipeline __default__: it asks the gates, and publishes all tables or none.

Made by `kedro airflow create` of docs/examples/airflow/dag_template.j2.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG(
    dag_id="datamart-kedro",
    schedule="*/15 * * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={
        "owner": "data-team",
        "retries": 3,
        "retry_delay": timedelta(minutes=2),
        "retry_exponential_backoff": True,
    },
) as dag:
    BashOperator(
        task_id="run",
        cwd="/srv/datamart",
        bash_command="exec .venv/bin/kedro run --env=local --pipelines=__default__",
        append_env=True,
    )
