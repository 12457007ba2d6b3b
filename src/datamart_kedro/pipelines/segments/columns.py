"""Customer segments: what is published."""

from datamart_kedro.columns import PersonalData, PublishedTable

TABLE = PublishedTable(
    "tb_customer_segments",
    ("customer_id", "cutoff_date"),
    "One row per customer_id and cutoff_date: those who had bought before the newest cutoff.",
    {
        "customer_id": "Customer.",
        "cutoff_date": "Midnight, UTC, of this day: the segment knows what was before.",
        "segment_id": "From 1, by the median of the last of segments.features: 1 for the largest.",
        "segment_name": "By a rule: each feature's median in the segment against that of all customers.",
        "distance": "To the centre of the segment, on the scale of the transformed features; to 6 digits.",
        "confidence": "1 - distance / distance to the next centre: 0 on the border, 1 at the centre; to 6 digits.",
        "model_name": "Kind of the model.",
        "model_version": "Digest of what the model was trained on and by.",
        "feature_set_hash": "Digest of the features that it sees.",
        "scored_at": "Start of the run, UTC, that first gave this segment.",
    },
    personal=PersonalData(person="customer_id"),
    stamps=("scored_at",),
)
