"""What forecasts promise."""

from __future__ import annotations

import ibis.expr.types as ir
from ibis import _

from datamart_kedro.expressions.calendar import days_between
from datamart_kedro.expressions.contract import Contract, Reference, Rule, known_to_fail
from datamart_kedro.pipelines.forecasts.rules import ForecastRules


def verify_forecasts(tb_forecasts: ir.Table, forecasts: ForecastRules) -> Contract:
    """Hold forecasts, one row per unique_id, ds and cutoff_date, against their rules.

    Args:
        tb_forecasts: The rows as they will be published.
        forecasts: Rules of forecasts.
    """
    t = tb_forecasts
    day = ["ds", "cutoff_date"]
    parents = t.filter(t.unique_id.isin(t.select("parent_id").distinct().parent_id))
    parts = t.group_by(*day, unique_id=t.parent_id).agg(units=_.y_units.sum(), net_amount=_.y_net_amount.sum())
    both = parents.left_join(parts, ["unique_id", *day])
    differs = (both.y_units != both.units.fill_null(0)) | (both.y_net_amount != both.net_amount.fill_null(0))
    known = t.select("unique_id", *day)
    alone = t.filter(t.parent_id.notnull()).anti_join(
        known, [("parent_id", "unique_id"), ("ds", "ds"), ("cutoff_date", "cutoff_date")]
    )
    return Contract(
        table=t,
        key=("unique_id", *day),
        strictness=forecasts.contract,
        rules=[
            Rule("y_units and y_net_amount are given", t.y_units.isnull() | t.y_net_amount.isnull()),
            Rule(
                "a forecast lies within its interval",
                known_to_fail(t.y_units.between(t.y_units_lower, t.y_units_upper))
                | known_to_fail(t.y_net_amount.between(t.y_net_amount_lower, t.y_net_amount_upper)),
            ),
            Rule("step counts from cutoff_date on", days_between(t.cutoff_date, t.ds) != t.step - 1),
            Rule("step lies within the horizon", known_to_fail(t.step.between(1, forecasts.horizon_days))),
            Rule("model_name and model_version are given", t.model_name.isnull() | t.model_version.isnull()),
        ],
        references=[
            Reference(
                "series sum to the one that they are part of", both.filter(differs), ("unique_id", *day), "error"
            ),
            Reference("the series that one is part of is forecast, too", alone, ("unique_id", *day), "error"),
        ],
    )
