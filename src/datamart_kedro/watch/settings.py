"""How a shop is watched; where failures are told comes from the credentials."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(gt=0, le=604_800)]


class WatchSettings(BaseModel):
    """The `watch` block of ``globals.yml``. All times are seconds.

    Attributes:
        every_s: From one look at the shop to the next, whatever PostgreSQL tells.
        channel: Of PostgreSQL's NOTIFY; none to look at intervals only.
        settle_s: How long a notification waits for others, so that one run serves a burst of them.
        record_every_s: After so long a look is written into the ledger, so that ``kedro mart status`` knows of it.
        stale_after_s: A shop that was not seen for so long is told as stale.
        first_wait_s: Before the next try after a failure; twice as long after each further one.
        longest_wait_s: Between two tries.
        stop_wait_s: How long a run that is under way may go on when the watch is stopped.
        port: Of health and metrics on 127.0.0.1; 0 for any that is free, none for neither.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    every_s: Annotated[float, Field(ge=0.05, le=86_400)] = 60
    channel: Annotated[str, Field(min_length=1, max_length=63)] | None = "datamart"
    settle_s: Annotated[float, Field(ge=0, le=60)] = 0.1
    record_every_s: Seconds = 3600
    stale_after_s: Seconds = 3600
    first_wait_s: Seconds = 5
    longest_wait_s: Seconds = 600
    stop_wait_s: Annotated[float, Field(ge=0, le=86_400)] = 60
    port: Annotated[int, Field(ge=0, le=65_535)] | None = 9470
