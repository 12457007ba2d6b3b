"""What is told about a synchronisation."""

from __future__ import annotations

from datamart_kedro.replica.report import ReplicaReport, report_lines
from tests.replica.store import Replica

PLACE = "schema datamart of database mart at db"


def test_a_first_synchronisation():
    report = ReplicaReport(PLACE, None, 7, written=12_345, seconds=1.26)
    assert report_lines(report) == [
        f"Replica: {PLACE} serves version 7, for the first time: 12,345 rows written, 0 deleted, 1.3 s."
    ]


def test_a_later_version():
    report = ReplicaReport(PLACE, 5, 7, written=12, deleted=3, seconds=0.04)
    assert report_lines(report) == [
        f"Replica: {PLACE} serves version 7, after version 5: 12 rows written, 3 deleted, 0.0 s."
    ]


def test_nothing_new():
    assert report_lines(ReplicaReport(PLACE, 7, 7)) == [f"Replica: {PLACE} holds version 7 already."]


def test_only_the_ledger_went_on():
    assert report_lines(ReplicaReport(PLACE, 7, 7, written=4)) == [
        f"Replica: {PLACE} holds version 7 already; its ledger is brought up to date."
    ]


def test_nothing_published():
    assert report_lines(ReplicaReport(PLACE, None, 0)) == [
        f"Replica: nothing is published yet that {PLACE} could serve."
    ]


def test_tables_edited_by_hand_are_named():
    report = ReplicaReport(PLACE, 7, 7, written=2, mended=("tb_orders", "tb_products"))
    assert report_lines(report)[1:] == [
        "Replica: tb_orders, tb_products differed from version 7, as if edited by hand; what differed was replaced."
    ]


def test_tables_of_domains_that_are_gone_are_named_and_left(replica: Replica):
    replica.synchronise()
    replica.execute("CREATE TABLE datamart.tb_suppliers (supplier_id text)")
    assert report_lines(replica.synchronise())[1:] == [
        "Replica: no domain publishes tb_suppliers any more; drop what nobody reads."
    ]
    assert replica.execute("SELECT count(*) FROM datamart.tb_suppliers") == [(0,)]
