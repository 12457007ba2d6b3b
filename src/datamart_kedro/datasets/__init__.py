"""What the catalog's entries load and save."""

from datamart_kedro.datasets.control import DomainStateDataset, GateDecision
from datamart_kedro.datasets.interim import JudgedRows
from datamart_kedro.datasets.mart_table import MartTable
from datamart_kedro.datasets.source import SourceProbe, SourceTable

__all__ = ["DomainStateDataset", "GateDecision", "JudgedRows", "MartTable", "SourceProbe", "SourceTable"]
