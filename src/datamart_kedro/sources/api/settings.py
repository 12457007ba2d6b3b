"""How an API is reached and paged: the `source.api` block of ``globals.yml``. Secrets are not part of it."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

LOOPBACK = ("localhost", "127.0.0.1", "::1")
NAME = re.compile(r"^[a-z][a-z0-9_]*$")
OURS = ("tb_", "tmp_", "ft_", "source_", "incoming_")
"""How names begin that a query must not find in place of an endpoint."""

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Path = Annotated[str, Field(pattern=r"^[^.]+(\.[^.]+)*$")]
"""Names of fields, from the outermost inwards, with dots between them."""
Size = Annotated[int, Field(ge=1, le=100_000)]
Name = Annotated[str, Field(min_length=1)]


class Block(BaseModel):
    """A block whose keys are all known."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PageNumbers(Block):
    """Pages are asked for by their number, until one is empty or all rows that the API tells of are there.

    Attributes:
        param: Parameter with the number.
        first: Number of the first page.
        size_param: Parameter with the number of rows that a page should have; none if absent.
        size: That number. The API may give fewer.
    """

    kind: Literal["page"]
    param: Name = "page"
    first: Annotated[int, Field(ge=0, le=1)] = 1
    size_param: Name | None = "per_page"
    size: Size = 100


class Offsets(Block):
    """Pages are asked for by the number of rows before them.

    Attributes:
        param: Parameter with that number.
        size_param: See `PageNumbers`.
        size: See `PageNumbers`.
    """

    kind: Literal["offset"]
    param: Name = "offset"
    size_param: Name | None = "limit"
    size: Size = 100


class Cursors(Block):
    """Each page tells the cursor of the next one; the last tells none.

    Attributes:
        param: Parameter with the cursor.
        next: Where a page has the cursor of the next, such as ``meta.next_cursor``.
        size_param: See `PageNumbers`.
        size: See `PageNumbers`.
    """

    kind: Literal["cursor"]
    param: Name = "cursor"
    next: Path
    size_param: Name | None = "limit"
    size: Size = 100


class Links(Block):
    """Each page tells the address of the next one; the last tells none.

    Attributes:
        next: Where a page has the address, such as ``links.next``; in the header `Link` if absent.
        size_param: See `PageNumbers`.
        size: See `PageNumbers`.
    """

    kind: Literal["link"]
    next: Path | None = None
    size_param: Name | None = "per_page"
    size: Size = 100


class OnePage(Block):
    """One answer has all rows."""

    kind: Literal["none"] = "none"


class Incremental(Block):
    """Only rows that changed are asked for, and take the place of earlier ones with the same key.

    Attributes:
        param: Parameter with the instant, such as ``updated_since``.
        updated_at: Field of a row with the instant of its last change.
        format: How the parameter is written: ISO 8601, or seconds since 1970.
        overlap_s: The instant asked for is so many seconds before the newest change that is known, for changes that
            the shop showed late.
        full_every_h: Hours after which all rows are asked for again, since a row that was deleted does not show.
    """

    param: Name
    updated_at: Path = "updated_at"
    format: Literal["iso", "epoch"] = "iso"
    overlap_s: Annotated[float, Field(ge=0, le=31_622_400)] = 300
    full_every_h: Annotated[float, Field(ge=0, le=8784)] = 24


class Endpoint(Block):
    """A list of rows that the API gives.

    Attributes:
        path: Below the base URL.
        rows: Where an answer has the list, such as ``data.items``; the answer is the list itself if absent.
        params: Parameters of every request.
        paging: How the list is cut into pages.
        total: Where an answer tells how many rows there are in all.
        total_header: Header that tells it.
        key: Fields that tell one row from another.
        fields: Fields that a query may name although no row has them: they are NULL then.
        read_twice: Are rows believed only when two readings are alike? If absent: where rows can shift between pages
            and the API does not tell their number.
        incremental: How to ask for what changed; everything is asked for if absent.
        etag_covers_list: Does the `ETag` of the first page change with any row of the list? Then it is asked alone.
    """

    path: Name
    rows: Path | None = None
    params: dict[str, str | int | bool] = Field(default_factory=dict)
    paging: Annotated[PageNumbers | Offsets | Cursors | Links | OnePage, Field(discriminator="kind")] = OnePage()
    total: Path | None = None
    total_header: Name | None = None
    key: tuple[Name, ...] = ()
    fields: tuple[Name, ...] = ()
    read_twice: bool | None = None
    incremental: Incremental | None = None
    etag_covers_list: bool = False

    @field_validator("path")
    @classmethod
    def _must_be_a_path(cls, path: str) -> str:
        if "://" in path or any(sign in path for sign in "?#\\") or path.startswith("//"):
            raise ValueError("a path below base_url is wanted; parameters belong under params")
        return path

    @model_validator(mode="after")
    def _must_fit_together(self) -> Endpoint:
        if self.incremental and not self.key:
            raise ValueError("incremental needs key, to put changed rows in the place of earlier ones")
        if self.incremental and self.etag_covers_list:
            raise ValueError("incremental and etag_covers_list exclude one another")
        return self

    @property
    def can_shift(self) -> bool:
        """Does a row that comes or goes move others to another page?"""
        return isinstance(self.paging, PageNumbers | Offsets)

    @property
    def is_read_twice(self) -> bool:
        """Are rows believed only when two readings are alike?"""
        if self.read_twice is not None:
            return self.read_twice
        return self.can_shift and self.total is None and self.total_header is None


class ApiSettings(Block):
    """The `source.api` block of ``globals.yml``.

    Attributes:
        base_url: Such as ``https://shop.example.com/v2``.
        authentication: How a request proves who asks; the secret is in the credentials.
        name: Of the header or the parameter that has the key.
        endpoints: The lists, by the names that queries read them under.
        insecure_http: Send secrets over plain HTTP to another machine?
        requests_per_s: At most so many.
        timeout_s: Seconds of silence after which an answer counts as lost.
        page_timeout_s: Seconds after which an answer counts as lost although it still comes.
        longest_wait_s: Longest wait that the API may ask for with `Retry-After`.
        max_page_mb: Size of an answer, unpacked, beyond which it is refused.
        max_row_mb: The same of one row.
        max_pages: Pages of one list beyond which it is taken to have no end.
        readings: How often a list is read that changes meanwhile.
        pages: Folder where answers are kept as they came, relative to the project.
        keep_days: For so many days; none are kept beyond the run if 0.
    """

    base_url: str
    authentication: Literal["none", "bearer", "basic", "header", "query"] = "none"
    name: Name | None = None
    endpoints: Annotated[dict[str, Endpoint], Field(min_length=1)]
    insecure_http: bool = False
    requests_per_s: Annotated[float, Field(gt=0, le=10_000)] = 20
    timeout_s: Seconds = 30
    page_timeout_s: Seconds = 600
    longest_wait_s: Annotated[float, Field(ge=0, le=86_400)] = 300
    max_page_mb: Annotated[int, Field(ge=1, le=1_000_000)] = 4096
    max_row_mb: Annotated[int, Field(ge=1, le=1024)] = 16
    max_pages: Annotated[int, Field(ge=1, le=100_000_000)] = 100_000
    readings: Annotated[int, Field(ge=1, le=20)] = 3
    pages: str = "data/api_pages"
    keep_days: Annotated[float, Field(ge=0, le=3660)] = 7

    @field_validator("base_url")
    @classmethod
    def _must_be_an_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("an address such as https://shop.example.com/v2 is wanted")
        if parts.username is not None or parts.password is not None:
            raise ValueError("secrets belong in the credentials, not in the address")
        if parts.query or parts.fragment:
            raise ValueError("parameters belong under params of an endpoint")
        return url.rstrip("/")

    @field_validator("endpoints")
    @classmethod
    def _must_have_names(cls, endpoints: dict[str, Endpoint]) -> dict[str, Endpoint]:
        for name in endpoints:
            if not NAME.match(name) or name.startswith(OURS):
                raise ValueError(f"{name!r} cannot be read by a query: use small letters, digits and _")
        return endpoints

    @model_validator(mode="after")
    def _must_fit_together(self) -> ApiSettings:
        if (self.name is None) == (self.authentication in ("header", "query")):
            raise ValueError("name goes with authentication: header or query, and with no other")
        parts = urlsplit(self.base_url)
        is_secret = self.authentication != "none" and parts.scheme == "http"
        if is_secret and parts.hostname not in LOOPBACK and not self.insecure_http:
            raise ValueError(
                "secrets would be sent for everybody to read: use https, or set insecure_http to true in a network"
                " that you trust"
            )
        return self
