"""What the catalog's entries load and save."""

from datamart_kedro.datasets.contract import ContractResults
from datamart_kedro.datasets.control import DomainStateDataset, GateDecision
from datamart_kedro.datasets.features import (
    FeatureFile,
    FeaturesBefore,
    FilesInPlace,
    InterimDays,
    InterimTable,
    SettledCutoffs,
    ShopPeriod,
    TableVersions,
)
from datamart_kedro.datasets.figure import PlotlyFigure
from datamart_kedro.datasets.hash_key import HashKeyDataset
from datamart_kedro.datasets.html_report import HtmlReport
from datamart_kedro.datasets.interim import JudgedRows
from datamart_kedro.datasets.mart_table import MartTable
from datamart_kedro.datasets.model import SkopsModel
from datamart_kedro.datasets.replica import Replica
from datamart_kedro.datasets.report import JsonReport, MarkdownReport
from datamart_kedro.datasets.run_start import RunStart
from datamart_kedro.datasets.source import SourceProbe, SourceTable

__all__ = [
    "ContractResults",
    "DomainStateDataset",
    "FeatureFile",
    "FeaturesBefore",
    "FilesInPlace",
    "GateDecision",
    "HashKeyDataset",
    "HtmlReport",
    "InterimDays",
    "InterimTable",
    "JsonReport",
    "JudgedRows",
    "MarkdownReport",
    "MartTable",
    "PlotlyFigure",
    "Replica",
    "RunStart",
    "SettledCutoffs",
    "ShopPeriod",
    "SkopsModel",
    "SourceProbe",
    "SourceTable",
    "TableVersions",
]
