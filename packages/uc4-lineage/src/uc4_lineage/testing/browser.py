"""The page of a graph in a browser that Playwright drives, for tests."""

import json
from pathlib import Path
from typing import Any

WIDTH, HEIGHT = 1900, 1000
# Pixels of the canvas that are as near to a colour of the page's own list.
PAINTED = """
([name, within]) => {
  const style = getComputedStyle(document.documentElement);
  const colour = style.getPropertyValue(`--${name}`).trim();
  const wanted = [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
  const canvas = document.getElementById("graph");
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  const pen = copy.getContext("2d", { willReadFrequently: true });
  pen.drawImage(canvas, 0, 0);
  const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let i = 0; i < data.length; i += 4) {
    const away = wanted.reduce((sum, part, k) => sum + Math.abs(data[i + k] - part), 0);
    if (away <= within) count += 1;
  }
  return count;
}
"""
BLURRED = 40  # how far from its colour a thin line may be, of 765
# Two frames: the first may have been asked for before the last input.
SETTLED = (
    "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
)


class LineagePage:
    """The page of a graph, opened without a network, and without rides to a place.

    Args:
        browser: Of Playwright.
        path: The page.
        hash_: What follows the path in the address.

    Attributes:
        page: The tab.
        complaints: Errors of the console, dialogs, and requests for anything else.
    """

    def __init__(self, browser: Any, path: Path, hash_: str = "") -> None:
        self.complaints: list[str] = []
        context = browser.new_context(
            offline=True,
            viewport={"width": WIDTH, "height": HEIGHT},
            reduced_motion="reduce",
        )
        self.page = context.new_page()
        self._watch(path.as_uri())
        self.page.goto(path.as_uri() + hash_)
        self.page.wait_for_selector("#graph[data-cards]")
        self.settle()

    def _watch(self, address: str) -> None:
        page, say = self.page, self.complaints.append

        def dismiss(dialog: Any) -> None:
            say(f"dialog: {dialog.message}")
            dialog.dismiss()

        page.on("console", lambda told: say(f"{told.type}: {told.text}"))
        page.on("pageerror", lambda error: say(f"error: {error}"))
        page.on("dialog", dismiss)
        page.on("popup", lambda popup: say(f"popup: {popup.url}"))
        page.on(
            "request",
            lambda asked: (
                say(f"request: {asked.url}")
                if asked.url.partition("#")[0] != address
                else None
            ),
        )

    def close(self) -> None:
        """Close the tab."""
        self.page.context.close()

    def settle(self) -> None:
        """Wait until what was asked for is drawn."""
        self.page.evaluate(SETTLED)

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)
        self.settle()

    def choose(self, query: str) -> None:
        """Search, and take the first suggestion."""
        self.page.keyboard.press("/")
        self.page.keyboard.type(query)
        self.press("Enter")

    def listed(self) -> Any:
        """Let go of what is chosen, and return the buttons of all nodes."""
        self.press("Escape", "Escape", "Escape")
        self.page.click("#panel .index summary")
        self.settle()
        return self.page.locator("#panel .index .node")

    def painted(self, colour: str) -> int:
        """Return how many pixels of the graph have a colour, such as `paper`."""
        return int(self.page.evaluate(PAINTED, [colour, 0]))

    def lit(self, colour: str) -> int:
        """Return the same of a colour of lines, such as `up`."""
        return int(self.page.evaluate(PAINTED, [colour, BLURRED]))

    def seen(self) -> tuple[float, float, float]:
        """Return the scale, the left and the upper end of what is seen."""
        told = self.page.evaluate("({...document.getElementById('graph').dataset})")
        return float(told["scale"]), float(told["left"]), float(told["top"])

    def cards(self) -> int:
        """Return how many cards are in view."""
        return int(self.page.get_attribute("#graph", "data-cards") or 0)

    def status(self) -> str:
        """Return what is said to those who do not see the graph."""
        return str(self.page.inner_text("#status"))

    def heading(self) -> str:
        """Return the heading of the side panel."""
        return str(self.page.inner_text("#panel h2"))

    def at(
        self, name: str, right: float = 0.5, down: float = 0.5
    ) -> tuple[float, float]:
        """Return where a closed card is, on the page.

        Args:
            name: Of its node.
            right: Where in the card, from 0 on its left to 1.
            down: The same from its top.
        """
        data = json.loads(self.page.inner_text("#data", timeout=1_000))
        node = next(one for one in data["nodes"] if one["name"] == name)
        card = data["card"]
        scale, left, top = self.seen()
        box = self.page.locator("#graph").bounding_box()
        assert box is not None
        x = node["column"] * card["pitch"] + right * card["width"] - left
        y = node["y"] + (down - 0.5) * card["height"] - top
        return box["x"] + scale * x, box["y"] + scale * y

    def click(self, name: str, right: float = 0.5, down: float = 0.5) -> None:
        """Click a closed card."""
        self.page.mouse.click(*self.at(name, right, down))
        self.settle()
