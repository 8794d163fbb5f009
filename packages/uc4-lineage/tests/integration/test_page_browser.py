"""The page in a browser: everything that one can do changes what is shown."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mlops_common.lineage.store import LineageStore
from mlops_common.postgres.database import Postgres
from uc4_lineage.page.around import whole
from uc4_lineage.page.document import write
from uc4_lineage.reading import Reader
from uc4_lineage.testing.browser import LineagePage
from uc4_lineage.testing.events import dataset, run_event

if TYPE_CHECKING:
    from playwright.sync_api import Browser

COLUMNS = {"id": "bigint", "price": "numeric", "placed": "timestamptz"}
WIDE = {f"column_{i}": "text" for i in range(40)}
OWNER = {"ownership": {"owners": [{"name": "team:shop", "type": "OWNER"}]}}
EVENTS = [
    run_event("extract", [], [dataset("orders", COLUMNS, facets=OWNER)]),
    run_event(
        "enrich",
        ["orders", "customers"],
        [
            dataset(
                "enriched",
                {"id": "bigint", "total": "numeric"},
                {"id": ["orders.id"], "total": ["orders.price"]},
            )
        ],
        at=1,
    ),
    run_event(
        "aggregate",
        ["enriched"],
        [dataset("revenue", {"sum": "numeric"}, {"sum": ["enriched.total"]})],
        at=2,
        state="START",
        run="aggregate",
    ),
    run_event(
        "aggregate",
        at=3,
        state="FAIL",
        run="aggregate",
        facets={"errorMessage": {"message": "disk full", "programmingLanguage": "SQL"}},
    ),
    run_event("mail", ["customers"], [dataset("letters", WIDE)], at=4),
]


@pytest.fixture(scope="module")
def path(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a small shop."""
    postgres.ensure_database("page_browser")
    store = LineageStore(postgres, "page_browser")
    assert store.ingest(EVENTS).refused == ()
    store.close()
    with store.connect() as connection:
        content = whole(Reader(connection))
    return write(content, tmp_path_factory.mktemp("page") / "lineage.html")


@pytest.fixture
def shop(browser: "Browser", path: Path) -> Iterator[LineagePage]:
    """The page in a tab; nothing may have complained at the end."""
    opened = LineagePage(browser, path)
    yield opened
    opened.close()
    assert opened.complaints == []


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


def test_only_the_lineage_of_a_node_is_shown_when_asked(shop: LineagePage) -> None:
    shop.choose("orders")

    shop.press("o")
    assert shop.cards() == 6

    shop.press("o", "0")
    assert shop.cards() == 9


def test_a_permalink_opens_what_was_chosen(
    shop: LineagePage, browser: "Browser", path: Path
) -> None:
    shop.choose("enriched")
    shop.page.click("#panel .column >> text=total")
    shop.settle()

    other = LineagePage(browser, path, "#" + shop.page.url.partition("#")[2])

    assert other.status() == shop.status()
    assert other.lit("up") > 0
    assert other.complaints == []
    other.close()


def test_a_permalink_keeps_the_path_and_what_is_left_out(
    browser: "Browser", path: Path
) -> None:
    node, end = (
        "dataset:postgres://db:5432:orders",
        "dataset:postgres://db:5432:revenue",
    )

    opened = LineagePage(browser, path, f"#node={node}&to={end}&only=1")

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
    browser: "Browser", path: Path
) -> None:
    opened = LineagePage(browser, path, "#node=dataset:nowhere:gone")

    assert "has no node dataset:nowhere:gone" in opened.page.inner_text("#toast")
    assert opened.cards() == 9
    assert opened.complaints == []
    opened.close()


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


def test_every_node_can_be_reached_without_the_canvas(shop: LineagePage) -> None:
    nodes = shop.listed()
    assert nodes.count() == 9
    nodes.first.click()
    shop.settle()

    assert shop.heading() in {"extract", "customers"}


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
