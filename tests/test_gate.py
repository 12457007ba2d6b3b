"""The gate: what opens a domain, what keeps it closed, and what a run does about it."""

from __future__ import annotations

import logging

import kedro.runner
import pytest

from datamart_kedro.errors import MissingTableError, ParameterError, SourceError, UsageError
from tests.project import Project
from tests.shop import SHOP, customer, order, product


def statuses(project: Project) -> dict[str, str]:
    """Status of each domain in the last run that looked at it."""
    return dict(project.query("SELECT domain, arg_max(status, started_at) FROM tb_control_data_update GROUP BY domain"))


def reasons(project: Project) -> dict[str, str]:
    """Why each domain ran or not in the last run that looked at it."""
    return dict(project.query("SELECT domain, arg_max(reason, started_at) FROM tb_control_data_update GROUP BY domain"))


def everything(status: str) -> dict[str, str]:
    return dict.fromkeys(SHOP, status)


def test_the_first_run_opens_every_gate(project: Project):
    project.run()
    assert statuses(project) == everything("published")
    assert reasons(project)["orders"] == "tb_orders does not exist yet"


def test_a_second_run_skips_every_domain_and_changes_no_table(published: Project):
    before = published.content()
    published.run()
    assert statuses(published) == everything("skipped")
    assert reasons(published)["orders"] == "nothing new since version 1"
    assert published.content() == before


def test_a_skipped_domain_is_named_with_its_reason_in_one_line(published: Project, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO):
        caplog.clear()
        published.run()
    assert "products: skipped, nothing new since version 1" in caplog.messages


def test_new_rows_open_their_domain_and_those_below(published: Project):
    published.write_source("orders", [*SHOP["orders"], order(order_id="13", customer_id="2")])
    published.run()
    assert statuses(published) == everything("published") | {"products": "skipped"}
    assert reasons(published)["orders"] == "new data: the content of the source changed"
    assert reasons(published)["order_items"] == "tmp_orders is loaded in this run"
    assert reasons(published)["customers"] == "tb_orders is built in this run"
    assert published.query("SELECT orders_count FROM tb_customers WHERE customer_id = '2'") == [(1,)]


def test_new_rows_at_the_bottom_open_nothing_above(published: Project):
    published.write_source("customers", [*SHOP["customers"], customer(customer_id="3")])
    published.run()
    assert statuses(published) == everything("skipped") | {"customers": "published"}


def test_a_file_written_again_with_the_same_content_opens_nothing(published: Project):
    published.write_source("customers", SHOP["customers"])
    published.run()
    assert statuses(published) == everything("skipped")


def test_a_changed_parameter_opens_its_domain(published: Project):
    published.run(params={"customers": {"returning_from": 3}})
    assert statuses(published) == everything("skipped") | {"customers": "published"}
    assert reasons(published)["customers"] == "its parameters changed since version 1: customers.returning_from"
    assert published.query("SELECT customer_type FROM tb_customers WHERE customer_id = '1'") == [("new",)]


def test_a_changed_query_opens_its_domain(published: Project):
    query = published.folder / "conf" / "base" / "sources" / "customers.sql"
    query.write_text(query.read_text() + "WHERE customer_id <> '2'")
    published.run()
    assert reasons(published)["customers"] == "its code or its query changed since version 1"
    assert published.query("SELECT customer_id FROM tb_customers") == [("1",)]


def test_changed_code_opens_its_domain(published: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("datamart_kedro.control.code_version.code_digest", lambda domain: f"other {domain}")
    published.run()
    assert statuses(published) == everything("published")
    assert reasons(published)["products"] == "its code or its query changed since version 1"


def test_a_missing_table_opens_its_domain(published: Project):
    published.execute("DROP TABLE tb_products")
    published.run()
    assert reasons(published)["products"] == "tb_products does not exist yet"
    assert published.query("SELECT count(*) FROM tb_products") == [(2,)]


def test_force_opens_every_gate(published: Project):
    published.run(params={"force": True})
    assert statuses(published) == everything("published")
    assert reasons(published)["orders"] == "forced by `--params force=true`"


def test_a_domain_runs_alone_with_what_is_staged_above_it(published: Project):
    published.write_source("orders", [*SHOP["orders"], order(order_id="13", customer_id="2")])
    published.write_source("products", [product(unit_price="11.00")])
    published.run("orders")
    assert published.query("SELECT count(*) FROM tb_orders") == [(4,)]
    assert published.query("SELECT count(*) FROM tb_products") == [(2,)]
    published.run("customers")
    assert reasons(published)["customers"] == "tb_orders was made by a later run than tb_customers"
    assert published.query("SELECT orders_count FROM tb_customers WHERE customer_id = '2'") == [(1,)]


def test_what_a_run_left_out_is_caught_up_once(published: Project):
    published.write_source("orders", [*SHOP["orders"], order(order_id="13")])
    published.run("orders")
    published.run()
    assert statuses(published) == {
        "products": "skipped",
        "orders": "published",
        "order_items": "published",
        "customers": "published",
    }
    published.run()
    assert statuses(published) == everything("skipped")


def test_a_table_that_was_built_again_without_a_change_opens_nothing_below(published: Project):
    published.write_source("products", list(reversed(SHOP["products"])))
    published.run("products")
    assert reasons(published)["products"] == "new data: the content of the source changed"
    published.run()
    assert statuses(published) == everything("skipped")


def test_staged_rows_that_were_never_published_are_loaded_again(published: Project):
    published.write_source("customers", [customer(full_name="Changed")])
    published.run("customers", to_nodes=["stage_customers"])
    assert reasons(published)["customers"] == "staged only: the run left its build out"
    published.run()
    assert published.query("SELECT full_name FROM tb_customers") == [("Changed",)]
    published.run()
    assert statuses(published) == everything("skipped")


def test_nodes_asked_for_by_name_run_whatever_their_gate_says(published: Project):
    published.run("customers", node_names=["stage_customers"])
    assert reasons(published)["customers"] == "staged only: the run left its build out"


@pytest.mark.parametrize(
    "slice_",
    [
        {"tags": ["orders"]},
        {"from_nodes": ["build_orders"]},
        {"from_inputs": ["tmp_orders"]},
        {"to_outputs": ["tb_orders"]},
    ],
    ids=lambda slice_: next(iter(slice_)),
)
def test_every_way_to_slice_is_gated(published: Project, slice_: dict[str, list[str]]):
    built = published.query("SELECT count(*) FROM tb_control_data_update WHERE status = 'published'")
    published.run(**slice_)
    assert published.query("SELECT count(*) FROM tb_control_data_update WHERE status = 'published'") == built
    assert statuses(published)["orders"] == "skipped"


def test_a_slice_asks_the_gate_that_it_leaves_out(published: Project):
    published.write_source("orders", [order(order_id="77")])
    published.run(from_nodes=["stage_orders"])
    assert published.query("SELECT order_id FROM tb_orders") == [("77",)]


def test_the_decision_of_the_current_check_is_kept_with_its_reason(published: Project):
    published.run("products")
    assert published.query("SELECT domain, action, reason FROM tmp_tb_control_data_update ORDER BY domain") == [
        ("customers", "load", "tb_customers does not exist yet"),
        ("order_items", "load", "tb_order_items does not exist yet"),
        ("orders", "load", "tb_orders does not exist yet"),
        ("products", "skip", "nothing new since version 1"),
    ]


def test_the_watermark_is_the_newest_change_among_the_rows_read(published: Project):
    published.write_source("customers", [customer(updated_at="2025-06-07T08:09:10+02:00")])
    published.run("customers")
    assert [
        str(watermark)
        for row in published.query(
            "SELECT watermark_from, watermark_to FROM tb_control_data_update WHERE domain = 'customers'"
            " ORDER BY started_at DESC LIMIT 1"
        )
        for watermark in row
    ] == ["2025-01-01 00:00:00", "2025-06-07 06:09:10"]


def test_a_domain_on_an_empty_mart_names_the_missing_table_and_the_command(project: Project):
    with pytest.raises(MissingTableError) as refusal:
        project.run("orders")
    assert str(refusal.value) == (
        "build_orders needs tb_order_items, which the mart does not have yet.\n"
        "  Nothing was published, the mart is as it was.\n"
        "  Make it, and all that it needs, with `kedro run --to-outputs=tb_order_items`,"
        " or everything with `kedro run`."
    )
    project.run(to_outputs=["tb_order_items"])
    project.run("orders")
    assert project.query("SELECT count(*) FROM tb_orders") == [(3,)]


def test_products_run_alone_on_an_empty_mart(project: Project):
    project.run("products")
    assert project.query("SELECT count(*) FROM tb_products") == [(2,)]


def test_the_reference_to_an_environment_is_in_the_command_that_helps(project: Project):
    (project.folder / "conf" / "night").mkdir()
    with pytest.raises(MissingTableError, match=r"`kedro run --env=night`"):
        project.run("orders", env="night")


def test_an_unknown_parameter_is_refused_before_anything_runs(project: Project):
    with pytest.raises(ParameterError) as refusal:
        project.run(params={"forse": True})
    assert str(refusal.value) == (
        "There is no parameter forse.\n"
        "  Nothing was published, the mart is as it was.\n"
        "  The parameters are accept_loss, churn, customers, features, force, forecasts, formats, full, order_items,"
        " orders, personal_data, products, read_since, refresh, segments."
    )
    assert not project.mart.exists()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"customers": {"returning_from": 1}},
            "customers.returning_from: input should be greater than or equal to 2, not 1.",
        ),
        ({"orders": {"status_map": {"x": "posted"}}}, "orders.status_map.x: input should be 'created', "),
        (
            {"orders": {"shipping": {"flat": -1}}},
            "orders.shipping.flat: input should be greater than or equal to 0, not -1.",
        ),
        ({"formats": {"time_zone": "Mars"}}, "formats.time_zone: value error, "),
        ({"order_items": {"tax": {"defalt": 0.1}}}, "order_items.tax.defalt: there is no such parameter."),
        ({"customers": 3}, "customers: input should be a valid dictionary or instance of CustomerRules, not 3."),
        ({"force": "perhaps"}, "force is 'perhaps'."),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_an_impossible_value_is_refused_with_its_key_and_range(project: Project, params: dict, message: str):
    with pytest.raises(ParameterError) as refusal:
        project.run(params=params)
    assert str(refusal.value).startswith(message)
    assert "\n  Nothing was published, the mart is as it was.\n" in str(refusal.value)
    assert not project.mart.exists()


def test_a_file_of_parameters_that_cannot_be_read_is_refused_with_its_place(project: Project):
    file = project.folder / "conf" / "local" / "parameters.yml"
    file.write_text("orders:\n  shipping: [1\n flat: 2\n")
    done = project.cli("kedro", "run")
    assert done.returncode == 1
    assert done.stderr == (
        f"UsageError: Invalid YAML or JSON file {file}, unable to read line 2, position 5.\n"
        "  Nothing was published, the mart is as it was.\n"
        "  Mend the file: look at its indents, quotes and brackets.\n"
    )


def test_a_run_that_fails_at_its_check_is_in_the_ledger(published: Project):
    published.source("orders").unlink()
    with pytest.raises(SourceError):
        published.run()
    assert statuses(published) == everything("failed")


@pytest.mark.parametrize("runner", ["ParallelRunner", "ThreadRunner"])
def test_a_runner_of_several_nodes_at_a_time_is_refused(project: Project, runner: str):
    with pytest.raises(UsageError) as refusal:
        project.run(runner=getattr(kedro.runner, runner)())
    assert str(refusal.value) == (
        f"{runner} cannot be used: the mart has one connection, which runs one node at a time.\n"
        "  Nothing was published, the mart is as it was.\n"
        "  Leave the runner out; the engine uses all cores by itself."
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("kind: oracle", "source.kind: Input should be 'files', 'postgres' or 'api'."),
        ("kidn: files", "source.kidn: Extra inputs are not permitted."),
        ("attempts: 0", "source.attempts: Input should be greater than or equal to 1."),
    ],
)
def test_an_impossible_setting_is_refused_with_its_key(project: Project, source: str, message: str):
    (project.folder / "conf" / "local" / "globals.yml").write_text(f"source: {{{source}}}")
    with pytest.raises(ParameterError) as refusal:
        project.run("products")
    assert str(refusal.value) == (
        f"{message}\n  Nothing was published, the mart is as it was.\n  Correct globals.yml of the environment."
    )
