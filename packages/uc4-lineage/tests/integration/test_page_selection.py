"""The page in a browser: what a choice shows, and how it is kept."""

from pathlib import Path
from typing import TYPE_CHECKING

from uc4_lineage.testing.browser import LineagePage

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_a_click_shows_what_is_known_and_lights_up_both_sides(
    shop: LineagePage,
) -> None:
    assert shop.lit("up") == shop.lit("down") == 0

    shop.click("orders", right=0.4)

    panel = shop.page.inner_text("#panel")
    assert shop.heading() == "orders"
    assert "team:shop (OWNER)" in panel
    assert "Written by" in panel
    assert "ownership" in panel
    assert shop.status() == "orders, table: 1 node upstream, 4 downstream."
    assert shop.lit("up") > 0
    assert shop.lit("down") > 0


def test_a_failed_run_tells_its_error(shop: LineagePage) -> None:
    shop.choose("aggregate")

    assert "disk full" in shop.page.inner_text("#panel table")
    assert shop.page.locator("#panel header .is-failed").count() == 1


def test_a_facet_is_told_as_text(shop: LineagePage) -> None:
    shop.choose("orders")

    shop.page.click("#panel summary >> text=ownership")

    assert '"name": "team:shop"' in shop.page.inner_text("#panel details[open] pre")


def test_a_click_beside_the_cards_and_escape_let_go(shop: LineagePage) -> None:
    shop.choose("orders")
    shop.press("Escape")
    assert shop.heading() == "The whole graph"

    shop.choose("orders")
    shop.press("0")
    shop.page.mouse.click(30, 100)
    shop.settle()

    assert shop.heading() == "The whole graph"
    assert shop.lit("up") == 0


def test_arrow_keys_follow_the_data(shop: LineagePage) -> None:
    shop.choose("orders")
    visited = []

    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowLeft"):
        shop.press(key)
        visited.append(shop.heading())

    assert visited[:3] == ["enrich", "enriched", "enrich"]
    assert visited[3] in {"orders", "customers"}


def test_neighbours_in_the_panel_lead_there(shop: LineagePage) -> None:
    shop.choose("orders")

    shop.page.click("#panel .node >> text=enrich")
    shop.settle()

    assert shop.heading() == "enrich"


def test_only_the_lineage_of_a_node_is_shown_when_asked(shop: LineagePage) -> None:
    shop.choose("orders")

    shop.press("o")
    assert shop.cards() == 6

    shop.press("o", "0")
    assert shop.cards() == 9


def test_a_permalink_opens_what_was_chosen(
    shop: LineagePage, browser: "Browser", shop_path: Path
) -> None:
    shop.choose("enriched")
    shop.page.click("#panel .column >> text=total")
    shop.settle()

    other = LineagePage(browser, shop_path, "#" + shop.page.url.partition("#")[2])

    assert other.status() == shop.status()
    assert other.lit("up") > 0
    assert other.complaints == []
    other.close()


def test_a_permalink_keeps_the_path_and_what_is_left_out(
    browser: "Browser", shop_path: Path
) -> None:
    node, end = (
        "dataset:postgres://db:5432:orders",
        "dataset:postgres://db:5432:revenue",
    )

    opened = LineagePage(browser, shop_path, f"#node={node}&to={end}&only=1")

    assert opened.status().startswith("Path between orders and revenue")
    assert opened.cards() == 5
    assert opened.complaints == []
    opened.close()


def test_back_returns_to_what_was_chosen_before(shop: LineagePage) -> None:
    shop.choose("orders")
    shop.choose("revenue")

    shop.page.go_back()
    shop.settle()
    assert shop.heading() == "orders"

    shop.page.go_back()
    shop.settle()
    assert shop.heading() == "The whole graph"


def test_a_permalink_to_what_is_not_there_says_so(
    browser: "Browser", shop_path: Path
) -> None:
    opened = LineagePage(browser, shop_path, "#node=dataset:nowhere:gone")

    assert "has no node dataset:nowhere:gone" in opened.page.inner_text("#toast")
    assert opened.cards() == 9
    assert opened.complaints == []
    opened.close()


def test_every_node_can_be_reached_without_the_canvas(shop: LineagePage) -> None:
    nodes = shop.listed()
    assert nodes.count() == 9
    nodes.first.click()
    shop.settle()

    assert shop.heading() in {"extract", "customers"}
