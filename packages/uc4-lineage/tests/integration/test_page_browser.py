"""The page in a browser: what it shows, and how one moves in it."""

from typing import TYPE_CHECKING

import pytest

from uc4_lineage.testing.browser import LineagePage

if TYPE_CHECKING:
    pass


def test_the_page_opens_offline_and_asks_for_nothing_else(shop: LineagePage) -> None:
    assert shop.cards() == 9
    assert shop.painted("ink") > 0
    assert shop.painted("job-wash") > 0


def test_the_page_says_of_when_it_is_and_what_failed(shop: LineagePage) -> None:
    assert "5 datasets, 4 jobs" in shop.page.inner_text(".bar")
    assert "As of 2" in shop.page.inner_text(".bar")
    failed = shop.page.locator("#panel section", has_text="Failed")
    assert failed.locator("button").inner_text().strip() == "aggregate"
    assert "failed" in shop.page.inner_text(".legend")


def test_everything_that_can_be_used_has_a_name(shop: LineagePage) -> None:
    shop.choose("orders")

    used = shop.page.locator("button, input, canvas, [role=listbox], aside")
    for i in range(used.count()):
        one = used.nth(i)
        name = one.get_attribute("aria-label") or one.text_content()
        assert name, one.evaluate("(element) => element.outerHTML")


def test_the_wheel_zooms_at_the_place_under_the_pointer(shop: LineagePage) -> None:
    x, y = shop.at("orders")
    shop.page.mouse.move(x, y)
    before = shop.seen()[0]

    shop.page.mouse.wheel(0, -240)
    shop.settle()

    assert shop.seen()[0] > before
    assert shop.at("orders") == pytest.approx((x, y), abs=1)


def test_keys_and_buttons_zoom_and_fit(shop: LineagePage) -> None:
    start = shop.seen()
    shop.page.focus("#graph")

    shop.press("+")
    closer = shop.seen()[0]
    shop.page.click("#farther")
    shop.page.click("#farther")
    shop.settle()
    farther = shop.seen()[0]
    shop.press("0")

    assert closer > start[0] > farther
    assert shop.seen() == pytest.approx(start, abs=0.2)


def test_dragging_moves_the_graph_and_chooses_nothing(shop: LineagePage) -> None:
    x, y = shop.at("orders")
    shop.page.mouse.move(x, y)
    shop.page.mouse.down()
    shop.page.mouse.move(x + 60, y + 90, steps=4)
    shop.page.mouse.up()
    shop.settle()

    assert shop.at("orders") == pytest.approx((x + 60, y + 90), abs=1)
    assert shop.heading() == "The whole graph"


def test_arrow_keys_move_the_graph_while_nothing_is_chosen(shop: LineagePage) -> None:
    scale, left, top = shop.seen()

    shop.press("ArrowRight", "ArrowDown")

    assert shop.seen() == pytest.approx(
        (scale, left + 80 / scale, top + 80 / scale), abs=1
    )


def test_the_small_map_moves_the_graph(shop: LineagePage) -> None:
    before = shop.seen()

    shop.page.click("#minimap", position={"x": 30, "y": 30})
    shop.settle()

    assert shop.seen()[0] == before[0]
    assert shop.seen()[1:] != before[1:]


def test_the_graph_rides_to_what_is_far_away(shop: LineagePage) -> None:
    shop.page.emulate_media(reduced_motion="no-preference")
    shop.choose("orders")
    for _ in range(8):
        shop.press("+")
    shop.choose("revenue")
    early = shop.seen()

    shop.page.wait_for_timeout(600)

    assert shop.seen() != early
    assert shop.page.evaluate("innerWidth") > shop.at("revenue")[0] > 0


def test_search_suggests_by_part_of_a_name_and_by_column(shop: LineagePage) -> None:
    options = shop.page.locator("#suggestions [role=option]")

    shop.page.fill("#query", "enri")
    assert options.all_inner_texts()[0].split()[0] in {"enrich", "enriched"}
    assert options.count() == 2

    shop.page.fill("#query", "placed")
    assert "column placed" in options.first.inner_text()

    shop.page.fill("#query", "nowhere")
    assert options.count() == 0
    assert "Nothing has such a name" in shop.page.inner_text("#suggestions")


def test_suggestions_are_taken_by_keys(shop: LineagePage) -> None:
    shop.press("/")
    shop.page.keyboard.type("enri")
    second = shop.page.locator("#suggestions [role=option] bdi").nth(1).inner_text()

    shop.press("ArrowDown", "Enter")

    assert shop.heading() == second
    assert shop.page.is_hidden("#suggestions")


def test_suggestions_are_taken_by_the_mouse(shop: LineagePage) -> None:
    shop.page.fill("#query", "revenue")
    shop.page.click("#suggestions [role=option]")
    shop.settle()

    assert shop.heading() == "revenue"


def test_the_page_is_dark_where_the_system_is_and_when_asked(
    shop: LineagePage,
) -> None:
    ground = "getComputedStyle(document.documentElement).getPropertyValue('--wash')"
    light = shop.page.evaluate(ground)
    assert shop.painted("wash") > 100_000

    shop.page.emulate_media(color_scheme="dark")
    shop.settle()
    dark = shop.page.evaluate(ground)
    assert shop.painted("wash") > 100_000
    shop.page.click("#theme")
    shop.settle()

    assert dark != light
    assert shop.page.evaluate(ground) == light
    assert shop.painted("wash") > 100_000


def test_on_a_narrow_screen_the_graph_and_the_details_share_the_page(
    shop: LineagePage,
) -> None:
    assert shop.seen()[0] > 0.6
    shop.page.set_viewport_size({"width": 480, "height": 800})
    shop.settle()
    shop.page.click("#fit")
    shop.settle()

    assert shop.cards() == 9
    wide = shop.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 480
    graph = shop.page.locator("#graph").bounding_box()
    panel = shop.page.locator("#panel").bounding_box()
    assert graph is not None
    assert panel is not None
    assert panel["y"] >= graph["y"] + graph["height"] - 1
