"""Churn scores: what is published."""

from datamart_kedro.columns import PersonalData, PublishedTable

TABLE = PublishedTable(
    "tb_churn_scores",
    ("customer_id", "cutoff_date", "horizon_days"),
    "One row per customer_id, cutoff_date and horizon_days: customers who can churn at the newest cutoff.",
    {
        "customer_id": "Customer.",
        "cutoff_date": "Midnight, UTC, of this day: the score knows what was before.",
        "horizon_days": "Days from the cutoff on, or from the gap after it, that the score speaks of.",
        "churn_probability": "Probability, 0 to 1, that there is no order in these days; to 6 digits.",
        "churn_rank": "1 for the highest probability; equal ones have equal ranks.",
        "churn_decile": "1 for the tenth of the customers with the highest probabilities, to 10; equal ones together.",
        "model_name": "Kind of the model.",
        "model_version": "Digest of what the model was trained on and by.",
        "feature_set_hash": "Digest of the features that it sees.",
        "scored_at": "Start of the run, UTC, that first gave this score.",
    },
    personal=PersonalData(person="customer_id"),
    stamps=("scored_at",),
)
