"""How a replica is written; where it is comes from the credentials."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

MAX_NAME_BYTES = 63
"""PostgreSQL cuts longer names off, in silence."""


class ReplicaSettings(BaseModel):
    """The `replica` block of ``globals.yml``.

    Attributes:
        enabled: Is there a replica?
        schema_name: Schema that holds it, `schema` in the block. All of its tables are the mart's.
        connect_timeout_s: Seconds to wait for a connection.
        lock_timeout_s: Seconds to wait for another writer, and for locks of others on its tables.
        statement_timeout_s: Seconds after which the server ends a statement.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = False
    schema_name: str = Field("datamart", alias="schema")
    connect_timeout_s: Annotated[int, Field(ge=1, le=3600)] = 10
    lock_timeout_s: Annotated[int, Field(ge=1, le=3600)] = 60
    statement_timeout_s: Annotated[int, Field(ge=1, le=86_400)] = 3600

    @field_validator("schema_name")
    @classmethod
    def _must_be_a_name(cls, name: str) -> str:
        if not 0 < len(name.encode()) <= MAX_NAME_BYTES or "\0" in name:
            raise ValueError(f"a schema has a name of 1 to {MAX_NAME_BYTES} bytes")
        if name.startswith("pg_") or name == "information_schema":
            raise ValueError("PostgreSQL keeps that schema for itself")
        return name
