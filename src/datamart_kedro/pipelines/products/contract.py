"""What published products promise."""

from __future__ import annotations

from typing import get_args

import ibis.expr.types as ir

from datamart_kedro.expressions.contract import Contract, Rule, known_to_fail
from datamart_kedro.pipelines.products.columns import KEY
from datamart_kedro.pipelines.products.rules import Availability, DiscontinuedReason, ProductRules


def verify_products(tb_products: ir.Table, products: ProductRules) -> Contract:
    """Hold products, one row per product_id, against their rules.

    Args:
        tb_products: Products as they will be published.
        products: Rules of products.
    """
    t = tb_products
    return Contract(
        table=t,
        key=KEY,
        strictness=products.contract,
        rules=[
            Rule("product_id is given", t.product_id.isnull()),
            Rule("unit_price is not negative", known_to_fail(t.unit_price >= 0)),
            Rule("unit_cost is not negative", known_to_fail(t.unit_cost >= 0)),
            Rule("margin_rate is at most 1", known_to_fail(t.margin_rate <= 1)),
            Rule("availability is one of its values", ~t.availability.isin(get_args(Availability))),
            Rule("is_discontinued has a reason, and only then", t.is_discontinued != t.discontinued_reason.notnull()),
            Rule(
                "discontinued_reason is one of its values",
                known_to_fail(t.discontinued_reason.isin(get_args(DiscontinuedReason))),
            ),
            Rule("a discontinued product is not available", t.is_discontinued != (t.availability == "discontinued")),
        ],
    )
