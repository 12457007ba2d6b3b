"""Kedro settings of the project."""

from datamart_kedro.imports import kept_imports

with kept_imports():
    from datamart_kedro.catalog import MartCatalog
    from datamart_kedro.config import MartConfigLoader
    from datamart_kedro.service import gate_service_sessions
    from datamart_kedro.session import GatedSession

SESSION_CLASS = GatedSession
gate_service_sessions()  # `kedro server` does not ask for SESSION_CLASS
CONFIG_LOADER_CLASS = MartConfigLoader
CONFIG_LOADER_ARGS = {"base_env": "base", "default_run_env": "local"}
# Kedro-Viz counts rows of pandas files after each run, and imports pandas for it; the mart has none.
# Kedro-Telemetry has no consent, see .telemetry.
DISABLE_HOOKS_FOR_PLUGINS = ("kedro-viz", "kedro-telemetry")
DATA_CATALOG_CLASS = MartCatalog
