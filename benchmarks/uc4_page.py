"""The page of a lineage graph: how long it takes to write, to open and to move.

```sh
python benchmarks/uc4_page.py
```

Frames are measured in headless Chromium, which draws without a graphics card, while the
graph is moved a step a frame: from near, at a middle distance, and with all in view,
first with the datasets closed, then with the columns of all of them open.
What is promised is CPU time, of all of Chromium: a busy machine only delays frames.
"""

import json
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from harness import Ratio, at_most, report, seconds

from uc4_lineage.page.content import ColumnEdge, Field, PageContent, PageNode, Shape
from uc4_lineage.page.document import data, write

CHROMIUM = "/usr/bin/chromium"
LAYERS = 14  # of jobs; as many of datasets lie between them
SIZES = (200, 2_000, 5_000)
LIMIT_NODES = 2_000
FRAMES = 60
SMOOTH = 33.0  # CPU milliseconds of a frame: 30 a second on one core
PATIENCE = 2.0  # seconds until the page shows its graph
# The page's own mirror of what it shows; the scale that its button shows is rounded.
SCALES = {"near": 0.9, "middle": 0.4, "far": 0.0}
OPEN = ", all columns open"
SHOW = """
async (scale) => {
  const canvas = document.getElementById("graph");
  const frame = () => new Promise(requestAnimationFrame);
  const place = { clientX: 400, clientY: 400, cancelable: true };
  document.getElementById("fit").click();
  for (let i = 0; i < 40; i += 1) await frame();
  while (scale && Number(canvas.dataset.scale) < scale) {
    canvas.dispatchEvent(new WheelEvent("wheel", { deltaY: -60, ...place }));
    await frame();
    await frame();
  }
  return Number(canvas.dataset.cards);
}
"""
MOVE = """
async (frames) => {
  const canvas = document.getElementById("graph");
  const frame = () => new Promise(requestAnimationFrame);
  const times = [];
  let before = await frame();
  for (let i = 0; i < frames; i += 1) {
    const step = { deltaX: i % 40 < 20 ? 12 : -12, shiftKey: true };
    canvas.dispatchEvent(new WheelEvent("wheel", { ...step, cancelable: true }));
    const now = await frame();
    times.push(now - before);
    before = now;
  }
  return times;
}
"""


def lineage(nodes: int, seed: int = 0) -> PageContent:
    """Return a graph of half jobs, half datasets, in layers as a warehouse has them."""
    generator = random.Random(seed)  # noqa: S311 - a picture, no secret
    half = nodes // 2
    layer = [i * LAYERS // half for i in range(half)]
    edges, column_edges = [], []
    for job in range(half):
        output = half + job
        edges.append((job, output))
        near = [
            i
            for i in range(max(0, job - 2 * half // LAYERS), job)
            if layer[i] < layer[job]
        ]
        for source in generator.sample(
            near, min(len(near), generator.choice((1, 1, 2, 4)))
        ):
            edges.append((half + source, job))
            column_edges += [
                ColumnEdge(half + source, f"c{i}", output, f"c{i}", job, "DIRECT")
                for i in range(6)
            ]
    shapes = [Shape.JOB] * half + [Shape.DATASET] * half
    known = tuple(_node(i, shape) for i, shape in enumerate(shapes))
    return PageContent("Lineage", "", known, tuple(edges), tuple(column_edges))


def _node(i: int, shape: Shape) -> PageNode:
    columns = tuple(Field(f"c{n}", "VARCHAR", "A column.") for n in range(12))
    is_job = shape is Shape.JOB
    name = f"warehouse.build_table_{i}" if is_job else f"warehouse.public.table_{i}"
    return PageNode(
        id=f"{shape}:postgres://db:5432:{name}",
        shape=shape,
        kind="job" if is_job else "table",
        namespace="postgres://db:5432",
        name=name,
        note="completed 2026-11-27 15:02 UTC" if is_job else "postgres://db:5432",
        state="COMPLETED" if is_job else "",
        fields=() if is_job else columns,
    )


def measured(browser: Any, path: Path) -> dict[str, Any]:
    """Return the figures of one page in a browser."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    start = time.perf_counter()
    page.goto(path.as_uri())
    page.wait_for_function("document.getElementById('graph').dataset.cards > 0")
    opened = time.perf_counter() - start
    closed = {name: moved(page, scale) for name, scale in SCALES.items()}
    page.click("#columns")
    opened_all = {f"{name}{OPEN}": moved(page, scale) for name, scale in SCALES.items()}
    page.close()
    return {"seconds to open": round(opened, 3), **closed, **opened_all}


def moved(page: Any, scale: float) -> dict[str, Any]:
    """Return the figures of the frames in which the graph is moved at a scale."""
    cards = page.evaluate(SHOW, scale)
    before = browsing()
    times = sorted(page.evaluate(MOVE, FRAMES))
    return {
        "cards in view": cards,
        "CPU ms a frame": round((browsing() - before) * 1_000 / FRAMES, 1),
        "ms a frame, median": round(statistics.median(times), 1),
        "ms a frame, p95": round(times[int(0.95 * len(times))], 1),
    }


def browsing() -> float:
    """Return the CPU seconds that all processes of the browser have taken."""
    processes = psutil.Process().children(recursive=True)
    times = [one.cpu_times() for one in processes if "chrom" in one.name()]
    return float(sum(time.user + time.system for time in times))


def main() -> None:
    """Measure each size, and report that which the project promises."""
    from playwright.sync_api import sync_playwright

    with (
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as driver,
        driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"]
        ) as browser,
    ):
        path = Path(folder) / "lineage.html"
        figures = {str(size): figures_of(browser, size, path) for size in SIZES}
    report("uc4_page", claims(figures[str(LIMIT_NODES)]), figures)
    print(json.dumps(figures, indent=2))


def figures_of(browser: Any, size: int, path: Path) -> dict[str, Any]:
    """Write the page of a graph, open it, and return the figures of both."""
    content = lineage(size)
    return {
        "edges": len(content.edges),
        "seconds of layout": round(seconds(lambda: data(content), 1), 3),
        "seconds to write": round(seconds(lambda: write(content, path), 1), 3),
        "MB": round(path.stat().st_size / 1e6, 2),
        **measured(browser, path),
    }


def claims(found: dict[str, Any]) -> list[Ratio]:
    """Return what is promised of a graph of 2,000 nodes."""
    opened = f"seconds until a page of {LIMIT_NODES:,} nodes shows them"
    frames = f"CPU ms of a frame while {LIMIT_NODES:,} nodes move"
    return [
        at_most(opened, found["seconds to open"], PATIENCE),
        *(
            at_most(f"{frames}, {name}{more}", figures["CPU ms a frame"], SMOOTH)
            for more in ("", OPEN)
            for name, figures in ((name, found[name + more]) for name in SCALES)
        ),
    ]


if __name__ == "__main__":
    main()
