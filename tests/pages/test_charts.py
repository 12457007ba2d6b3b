"""Charts, as SVG."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from xml.etree import ElementTree

from datamart_kedro.facts.lineage import depths, lineage
from datamart_kedro.pages.charts import Band, Line, bar, line_chart, short, sparkline
from datamart_kedro.pages.lineage import lineage_picture


def numbers(text: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in text.split())]


def line_of(svg: str) -> list[tuple[float, float]]:
    found = re.search(r'<polyline points="([^"]+)"', svg)
    assert found
    return numbers(found[1])


def test_a_line_rises_where_values_rise_and_goes_from_left_to_right():
    svg = line_chart("Orders", [Line("Orders", [(1, 10), (2, 30), (3, 20)])], "count")
    (x1, y1), (x2, y2), (x3, y3) = line_of(svg)
    assert x1 < x2 < x3
    assert y2 < y3 < y1  # the axis of SVG points downwards
    assert round((y1 - y3) / (y1 - y2), 2) == 0.5


def test_places_stand_in_their_order_whatever_order_they_come_in():
    days = [(date(2025, 2, 1), 5), (date(2025, 1, 1), 1)]
    (_, january), (_, february) = line_of(line_chart("x", [Line("x", days)], "count"))
    assert february < january


def test_the_axis_begins_at_zero_unless_values_are_below():
    assert ">0</text>" in line_chart("x", [Line("x", [(1, 90), (2, 100)])], "count")
    assert ">-50</text>" in line_chart("x", [Line("x", [(1, -50), (2, 100)])], "count")


def test_an_absent_value_interrupts_the_line():
    svg = line_chart("x", [Line("x", [(1, 1), (2, None), (3, 1), (4, 2)])], "count")
    assert svg.count("<polyline") == 2
    assert svg.count("<circle") == 3


def test_every_point_tells_its_value_exactly():
    svg = line_chart("x", [Line("Revenue", [(date(2025, 1, 1), Decimal("1234567.89"))])], "money")
    assert "<title>Revenue, 2025-01-01: 1,234,567.89</title>" in svg


def test_a_band_encloses_what_lies_between_its_ends():
    svg = line_chart("x", [Line("x", [(1, 5), (2, 5)])], "count", Band("80 %", [(1, 2, 8), (2, 3, 9)]))
    found = re.search(r'<polygon class="band" points="([^"]+)"', svg)
    assert found
    corners = numbers(found[1])
    assert [x for x, _ in corners] == [corners[0][0], corners[1][0], corners[1][0], corners[0][0]]
    assert corners[0][1] < line_of(svg)[0][1] < corners[3][1]


def test_names_are_escaped():
    svg = line_chart('<script>"', [Line("<b>", [("<i>", 1)])], "count")
    ElementTree.fromstring(svg)
    assert "<script" not in svg
    assert "<i>" not in svg


def test_without_values_nothing_is_drawn():
    assert "Nothing to draw" in line_chart("x", [Line("x", [])], "count")
    assert sparkline([3], "x") == ""


def test_a_bar_is_as_long_as_its_value_is_large():
    assert 'width="25.0"' in bar(Decimal(5), 20)
    assert 'width="0.0"' in bar(None, 20)
    assert 'width="0.0"' in bar(-5, 20)


def test_numbers_on_an_axis_are_short():
    assert [short(value, "money") for value in (0, 950, 2500, 1_200_000, 3e9)] == ["0", "950", "2.5 k", "1.2 M", "3 bn"]
    assert short(0.25, "rate") == "25 %"


def test_tables_are_made_of_what_the_pipelines_say():
    made_of = lineage()
    assert made_of["tb_orders"] == ("source_orders", "tb_order_items")
    assert made_of["tb_order_items"] == ("source_order_items", "source_orders", "tb_products")
    assert made_of["tb_customers"] == ("source_customers", "tb_orders")
    assert depths({"b": ("a",), "c": ("a", "b")}) == {"a": 0, "b": 1, "c": 2}


def test_the_picture_of_lineage_shows_what_is_published_alone():
    svg = lineage_picture(lineage(), {"tb_products", "tb_order_items"})
    ElementTree.fromstring(svg)
    names = set(re.findall(r">([a-z_]+)</text>", svg))
    assert names == {"source_products", "source_order_items", "source_orders", "tb_products", "tb_order_items"}
