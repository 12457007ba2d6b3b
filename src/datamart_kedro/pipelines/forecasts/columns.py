"""Forecasts: what is published."""

from datamart_kedro.columns import PublishedTable

TABLE = PublishedTable(
    name="tb_forecasts",
    key=("unique_id", "ds", "cutoff_date"),
    comment="One row per unique_id, ds and cutoff_date: daily sales of a series to come, as forecast at the newest"
    " cutoff; the history of the table holds those of earlier ones.",
    columns={
        "unique_id": "Series: total, department=..., category=... or product=..., as in ft_sales_daily.",
        "level": "total, department, category or product.",
        "parent_id": "Series that this one is a part of; those with one parent sum to it exactly. NULL: it is part of"
        " none.",
        "ds": "Day that is forecast, UTC.",
        "cutoff_date": "Day from whose midnight, UTC, on nothing was known: the day after the last whole one.",
        "step": "Days ahead: 1 for the day of the cutoff.",
        "y_units": "Units that are expected, less those returned.",
        "y_units_lower": "Lower end of the interval of y_units. NULL: the backtest has too few errors to tell. The ends"
        " of series do not sum to that of the one above.",
        "y_units_upper": "Upper end of the interval of y_units. NULL: as y_units_lower.",
        "y_net_amount": "Net amount that is expected, order currency.",
        "y_net_amount_lower": "Lower end of the interval of y_net_amount. NULL: as y_units_lower.",
        "y_net_amount_upper": "Upper end of the interval of y_net_amount. NULL: as y_units_lower.",
        "model_name": "Model that the row is of: seasonal_naive, linear or gradient_boosting.",
        "model_version": "Digest of the sales, the rules, the code and the libraries that the forecast was made of.",
        "feature_set_hash": "Digest of the features that the model sees.",
        "made_at": "Instant, UTC, of the run that made the forecast.",
    },
    stamps=("made_at",),
)
