"""What churn scores promise."""

from __future__ import annotations

import ibis.expr.types as ir

from datamart_kedro.expressions.contract import Contract, Reference, Rule, known_to_fail
from datamart_kedro.pipelines.churn.rules import ChurnRules


def verify_churn_scores(tb_churn_scores: ir.Table, ft_customers: ir.Table, churn: ChurnRules) -> Contract:
    """Hold churn scores, one row per customer_id, cutoff_date and horizon_days, against their rules.

    Args:
        tb_churn_scores: The rows as they will be published.
        ft_customers: Customers at cutoffs, one row per customer_id and cutoff_date.
        churn: Rules of churn.
    """
    t = tb_churn_scores
    same = ["customer_id", "cutoff_date"]
    able = ft_customers.filter(ft_customers.is_eligible_churn)
    return Contract(
        table=t,
        key=("customer_id", "cutoff_date", "horizon_days"),
        strictness=churn.contract,
        rules=[
            Rule("customer_id and cutoff_date are given", t.customer_id.isnull() | t.cutoff_date.isnull()),
            Rule("churn_probability is 0 to 1", ~t.churn_probability.between(0, 1).fill_null(False)),
            Rule("churn_decile is 1 to 10", ~t.churn_decile.between(1, 10).fill_null(False)),
            Rule("churn_rank is 1 or more", known_to_fail(t.churn_rank >= 1)),
            Rule("the model is named", t.model_version.isnull() | t.feature_set_hash.isnull()),
        ],
        references=[
            Reference("a score is of a customer who can churn", t.anti_join(able, same), t.columns[:3], "error")
        ],
    )
