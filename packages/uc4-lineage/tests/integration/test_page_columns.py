"""The page in a browser: columns, and ways between nodes."""

from pathlib import Path
from typing import TYPE_CHECKING

from uc4_lineage.page.content import ColumnEdge, Field, PageContent, PageNode, Shape
from uc4_lineage.page.document import write
from uc4_lineage.testing.browser import LineagePage

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_a_dataset_opens_into_its_columns_and_closes_again(shop: LineagePage) -> None:
    shop.choose("orders")
    closed = shop.painted("paper")

    shop.press("Enter")

    assert shop.painted("paper") > closed + 1_000
    pressed = shop.page.get_by_role("button", name="Columns", exact=True)
    assert pressed.get_attribute("aria-pressed") == "true"

    shop.press("Enter")
    assert shop.painted("paper") == closed


def test_the_arrow_on_a_card_opens_it_and_chooses_nothing(shop: LineagePage) -> None:
    closed = shop.painted("paper")

    shop.click("orders", right=0.93)

    assert shop.painted("paper") > closed + 1_000
    assert shop.heading() == "The whole graph"


def test_all_columns_open_at_once(shop: LineagePage) -> None:
    closed = shop.painted("paper")

    shop.page.click("#columns")
    shop.settle()
    opened = shop.painted("paper")
    shop.page.click("#columns")
    shop.settle()

    assert opened > closed + 3_000
    assert shop.painted("paper") == closed


def test_all_columns_open_where_some_are_open_already(shop: LineagePage) -> None:
    shop.click("orders", right=0.93)
    one = shop.painted("paper")

    shop.page.click("#columns")
    shop.settle()

    assert shop.painted("paper") > one + 1_000


def test_a_wide_dataset_shows_the_rest_of_its_columns_when_asked(
    shop: LineagePage,
) -> None:
    shop.choose("letters")
    shop.press("c", "-", "-")
    last = shop.at("letters", right=0.3, down=1 + (2 + 30.5 * 22) / 60)

    shop.press("Enter")
    few = shop.painted("paper")
    shop.page.mouse.click(*last)
    shop.settle()

    assert shop.painted("paper") > few
    assert shop.heading() == "letters"
    assert shop.page.locator(".chosen-column").count() == 0

    shop.page.mouse.click(*last)
    shop.settle()
    assert shop.page.inner_text(".chosen-column") == "Column column_30 text"


def test_a_column_lights_up_what_it_is_made_from_and_flows_into(
    shop: LineagePage,
) -> None:
    shop.choose("enriched")

    shop.page.click("#panel .column >> text=total")
    shop.settle()

    assert shop.status() == "Column total of enriched: 1 column upstream, 1 downstream."
    kin = shop.page.locator("#panel section", has_text="columns").all_inner_texts()
    assert any("price" in one and "orders" in one for one in kin)
    assert any("sum" in one and "revenue" in one for one in kin)
    assert shop.lit("up") > 0
    assert shop.lit("down") > 0


def test_a_click_on_a_row_of_an_open_card_chooses_its_column(
    shop: LineagePage,
) -> None:
    second = shop.at("orders", right=0.3, down=1 + 35 / 60)

    shop.click("orders", right=0.93)
    shop.page.mouse.click(*second)
    shop.settle()

    assert shop.page.inner_text(".chosen-column") == "Column price numeric"
    assert "column=price" in shop.page.url


def test_a_path_joins_two_nodes(shop: LineagePage) -> None:
    shop.choose("orders")
    shop.press("p")
    assert "Choose the other end" in shop.page.inner_text("#toast")

    shop.choose("revenue")

    steps = shop.page.locator("#panel section", has_text="Path").locator(".node")
    assert [one.strip() for one in steps.all_inner_texts()] == [
        *("orders", "enrich", "enriched", "aggregate", "revenue"),
    ]
    assert shop.lit("route") > 0
    assert shop.lit("up") == shop.lit("down") == 0


def test_a_path_is_found_against_the_data_too(shop: LineagePage) -> None:
    shop.choose("revenue")
    shop.page.keyboard.down("Shift")
    shop.press("0")
    shop.click("customers", right=0.4)
    shop.page.keyboard.up("Shift")

    assert shop.status().startswith("Path between revenue and customers")
    assert shop.lit("route") > 0


def test_where_no_path_is_the_page_says_so(shop: LineagePage) -> None:
    shop.choose("orders")
    shop.press("p")
    shop.choose("letters")

    assert "No path joins" in shop.page.inner_text("#panel .notice")
    assert shop.lit("route") == 0


COLUMNS = [f"c{number}" for number in range(6)]


def large() -> PageContent:
    """A thousand tables in ten rows, each of the columns of the one before."""
    fields = tuple(Field(name, "text") for name in COLUMNS)
    tables, jobs = range(1_000), range(1_000, 2_000)
    nodes = [
        PageNode(
            f"dataset:d:{i}", Shape.DATASET, "table", "d", f"table {i}", fields=fields
        )
        for i in tables
    ]
    nodes += [PageNode(f"job:j:{i}", Shape.JOB, "job", "j", f"job {i}") for i in jobs]
    follows = [i for i in tables if i >= 10]
    edges = [(i - 10, i + 1_000) for i in follows] + [(i + 1_000, i) for i in follows]
    origins = [
        ColumnEdge(i - 10, name, i, name, i + 1_000, "DIRECT")
        for i in follows
        for name in COLUMNS
    ]
    return PageContent("large", "", tuple(nodes), tuple(edges), tuple(origins))


def test_two_thousand_nodes_open_all_their_columns_and_light_one_up(
    browser: "Browser", tmp_path: Path
) -> None:
    page = LineagePage(browser, write(large(), tmp_path / "large.html"))
    assert page.cards() == 2_000

    page.page.click("#columns")
    page.settle()
    page.choose("table 555")
    page.page.click("#panel .column >> text=c3")
    page.settle()

    assert (
        page.status() == "Column c3 of table 555: 55 columns upstream, 44 downstream."
    )
    assert page.lit("up") > 0
    assert page.lit("down") > 0
    page.page.click("#columns")
    page.settle()
    assert page.lit("up") > 0
    assert page.complaints == []
    page.close()
