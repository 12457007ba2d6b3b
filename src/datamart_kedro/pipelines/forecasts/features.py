"""What a model is told of a series at a cutoff: all of it from days before the cutoff, or known of any day ahead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

FEATURES: Sequence[Mapping[str, str]] = [
    {"name": name, "dtype": "float64", "definition": definition}
    for name, definition in {
        "step": "Days ahead, from 1.",
        "day_of_week": "Day of the week that is forecast, from Monday, 1.",
        "day_of_month": "Day of the month that is forecast.",
        "same_weekday_last": "Value of the newest same weekday before the cutoff, divided by the scale.",
        "same_weekday_mean_4": "Mean of the same weekday in the 4 weeks before the cutoff, divided by the scale.",
        "same_weekday_mean_8": "Mean of the same weekday in the 8 weeks before the cutoff, divided by the scale.",
        "mean_7": "Mean of the 7 days before the cutoff, divided by the scale.",
        "mean_28": "Mean of the 28 days before the cutoff, divided by the scale.",
        "mean_91": "Mean of the 91 days before the cutoff, divided by the scale.",
        "parent_weekday": "Same weekday of the series above in the 8 weeks before the cutoff, to the mean of all days.",
        "parent_trend": "Mean of the series above in the last 7 days, to that of the last 28.",
        "root_weekday": "Same weekday of all sales in the 8 weeks before the cutoff, to the mean of all days.",
        "root_trend": "Mean of all sales in the last 28 days, to that of the last 56.",
        "last_year": "All sales in the 7 days around the same weekday a year before, to the 28 days that ended a year"
        " before the cutoff.",
        "zero_share_91": "Share of the last 91 days without a sale.",
        "days_since_sale": "Logarithm of 1 + days since the last sale; as if 91 for more.",
        "age_days": "Logarithm of 1 + days since the first sale.",
        "price_trend": "Realised price of the last 28 days, to that of the last 91.",
    }.items()
]
"""The columns of the inputs, in order."""
