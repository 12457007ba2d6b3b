"""Digests of models and of their features."""

from __future__ import annotations

import pandas as pd

from datamart_kedro.models.card import write_card
from datamart_kedro.models.version import feature_set_hash, model_version

ROWS = pd.DataFrame({"customer_id": ["a", "b"], "recency_days": [1, 2]})
CODE = "0.1+abc"
LIBRARIES = {"scikit-learn": "1.9"}


def version_of(rows: pd.DataFrame = ROWS, parameters: object = 0, code: str = CODE, libraries: object = None) -> str:
    return model_version(rows, {"random_state": parameters}, code, libraries or LIBRARIES)  # type: ignore[arg-type]


def test_the_same_input_is_the_same_version():
    assert version_of() == version_of(ROWS.copy())
    assert len(version_of()) == 12


def test_a_version_tells_values_rows_columns_parameters_code_and_libraries_apart():
    others = [
        version_of(ROWS.assign(recency_days=[1, 3])),
        version_of(ROWS.iloc[::-1]),
        version_of(ROWS.rename(columns={"recency_days": "age"})),
        version_of(parameters=1),
        version_of(code="0.2"),
        version_of(libraries={"scikit-learn": "2.0"}),
    ]
    assert len({version_of(), *others}) == 7


def test_the_index_of_the_rows_does_not_make_another_version():
    assert version_of(ROWS.set_axis([7, 8])) == version_of()


def feature(**values: str) -> dict[str, str]:
    return {"name": "recency_days", "dtype": "int32", "definition": "Days."} | values


def test_a_feature_set_is_told_by_names_types_definitions_and_order():
    other = feature(name="tenure_days")
    sets = [
        [feature()],
        [feature(name="x")],
        [feature(dtype="int64")],
        [feature(definition="Weeks.")],
        [feature(), other],
        [other, feature()],
    ]
    assert len({feature_set_hash(rows) for rows in sets}) == len(sets)
    assert feature_set_hash([feature(group_name="recency")]) == feature_set_hash([feature()])


def test_a_card_holds_its_sections_in_order():
    text = write_card(
        "Churn",
        {"For": "Scores.", "Facts": {"rows": 1234, "auc": 0.75, "refit": True}, "Table": [{"a": "x|y", "b": None}]},
    )
    assert text == (
        "# Churn\n\n## For\n\nScores.\n\n## Facts\n\n- rows: 1,234\n- auc: 0.7500\n- refit: yes\n\n"
        "## Table\n\n| a | b |\n| --- | --- |\n| x/y | - |\n"
    )


def test_a_section_without_anything_says_so():
    assert write_card("Churn", {"Facts": {}, "Table": []}) == "# Churn\n\n## Facts\n\nNone.\n\n## Table\n\nNone.\n"
