"""The rules of churn: the parameters below ``churn``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from datamart_kedro.expressions.contract import ContractRules
from datamart_kedro.expressions.formats import Rules

Share = Annotated[float, Field(ge=0, le=1)]
Auc = Annotated[float, Field(ge=0.5, le=1)]
Strength = Annotated[float, Field(gt=0)]


class ScoreContractRules(ContractRules):
    """How strict the contract of the scores is; scores of older cutoffs leave as those of a new one come."""

    max_lost_share: Share = 1.0


class BoostingRules(Rules):
    """How trees are boosted; see `sklearn.ensemble.HistGradientBoostingClassifier`."""

    max_iter: Annotated[int, Field(ge=1, le=10_000)] = 100
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.05
    max_leaf_nodes: Annotated[int, Field(ge=2, le=1_000)] = 4
    min_samples_leaf: Annotated[int, Field(ge=1)] = 40
    l2_regularization: Annotated[float, Field(ge=0)] = 10.0


class ChurnRules(Rules):
    """Rules of churn.

    Attributes:
        horizon_days: The labels that are learnt: one of the horizons of features.
        left_out: Features that no model sees.
        logistic_c: Inverse strengths of the penalty on coefficients, each of which is tried.
        boosting: How trees are boosted.
        min_class_rows: Customers who churned, and who did not, that training, validation and test each need.
        max_single_auc: A feature that tells churn apart better than this, all by itself, stops the training.
        max_model_auc: So does a model.
        importance_repeats: How often each feature is shuffled to see what the model loses.
        importance_rows: Rows of the test on which that is done, at most.
        random_state: Of all that is drawn by chance.
        contract: How strict the contract of the scores is.
    """

    horizon_days: Annotated[int, Field(ge=1, le=3650)] = 90
    left_out: tuple[str, ...] = ()
    logistic_c: Annotated[tuple[Strength, ...], Field(min_length=1)] = (0.001, 0.01, 0.1)
    boosting: BoostingRules = BoostingRules()
    min_class_rows: Annotated[int, Field(ge=2)] = 20
    max_single_auc: Auc = 0.92
    max_model_auc: Auc = 0.95
    importance_repeats: Annotated[int, Field(ge=1, le=100)] = 3
    importance_rows: Annotated[int, Field(ge=100)] = 5_000
    random_state: Annotated[int, Field(ge=0, lt=2**32)] = 8
    contract: ScoreContractRules = ScoreContractRules()
