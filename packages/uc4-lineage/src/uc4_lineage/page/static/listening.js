// What the mouse, the fingers and the keys do.

const PAN = 80; // pixels that an arrow key moves the graph
const STILL = 5; // pixels that a click may move

/** Connects a page to its inputs. */
function listen(page) {
  listenToPointers(page);
  listenToButtons(page);
  document.addEventListener("keydown", (event) => onKey(page, event));
  window.addEventListener("hashchange", () => page.readAddress());
  window.addEventListener("popstate", () => page.readAddress());
  new ResizeObserver(() => page.view.resize()).observe(page.canvas);
}

function listenToButtons(page) {
  const actions = {
    closer: () => page.view.zoom(1.3),
    farther: () => page.view.zoom(1 / 1.3),
    fit: () => page.fit(),
    columns: () => page.toggleAllColumns(),
  };
  for (const [id, action] of Object.entries(actions)) {
    document.getElementById(id).addEventListener("click", action);
  }
}

function listenToPointers(page) {
  const { canvas, view } = page;
  const fingers = new Map();
  let moved = 0;
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const unit = event.deltaMode === 1 ? 18 : 1;
      if (event.shiftKey) view.pan((event.deltaX || event.deltaY) * unit, 0);
      else
        view.zoom(
          Math.exp(clamp(-event.deltaY * unit, -240, 240) / 400),
          event.offsetX,
          event.offsetY,
        );
    },
    { passive: false },
  );
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, event);
    moved = fingers.size > 1 ? Infinity : 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) {
      hover(page, event);
      return;
    }
    drag(view, fingers, before, event);
    moved += Math.hypot(event.clientX - before.clientX, event.clientY - before.clientY);
    fingers.set(event.pointerId, event);
    canvas.classList.toggle("dragged", moved > STILL);
  });
  const lift = (event) => {
    if (fingers.delete(event.pointerId) && event.type === "pointerup" && moved <= STILL)
      click(page, event);
    canvas.classList.remove("dragged");
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  canvas.addEventListener("dblclick", (event) => {
    const node = nodeUnder(page, event);
    if (node >= 0) page.toggleColumns(node);
  });
}

/** Pans with one finger, and zooms too with two. */
function drag(view, fingers, before, event) {
  if (fingers.size === 1) {
    view.pan(before.clientX - event.clientX, before.clientY - event.clientY);
    return;
  }
  const other = [...fingers.values()].find(({ pointerId }) => pointerId !== event.pointerId);
  const distance = (finger) =>
    Math.hypot(finger.clientX - other.clientX, finger.clientY - other.clientY);
  const { left, top } = view.canvas.getBoundingClientRect();
  view.zoom(
    distance(event) / Math.max(1, distance(before)),
    (event.clientX + other.clientX) / 2 - left,
    (event.clientY + other.clientY) / 2 - top,
  );
}

function nodeUnder(page, event) {
  const { x, y } = page.view.position(event.offsetX, event.offsetY);
  return page.arrangement.at(x, y);
}

function hover(page, event) {
  const node = nodeUnder(page, event);
  page.canvas.classList.toggle("over", node >= 0);
  const { name, space } = page.model.nodes[node] ?? {};
  page.canvas.title =
    node < 0
      ? ""
      : `${oneLine(name)}
${oneLine(space)}`;
}

function click(page, event) {
  page.canvas.focus({ preventScroll: true });
  const { arrangement, model } = page;
  const { x, y } = page.view.position(event.offsetX, event.offsetY);
  const node = arrangement.at(x, y);
  if (node < 0) {
    if (!page.picking && page.selection.node !== null)
      page.select({ node: null, field: null, target: null, alone: false });
    return;
  }
  const field = arrangement.fieldAt(node, y);
  const opener =
    model.nodes[node].fields.length && x > arrangement.x(node) + arrangement.card.width - 52;
  const head = y < arrangement.top(node) + arrangement.card.height;
  if (event.shiftKey && page.selection.node !== null) page.setPicking(true);
  if (page.picking) page.choose(node);
  else if (field === ALL) (page.all.add(node), page.select({ ...page.selection }, node));
  else if (field !== null) page.chooseColumn(node, field);
  else if (opener && head && page.view.scale >= NAMED) page.toggleColumns(node);
  else page.choose(node);
}

function onKey(page, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches("input, textarea");
  const pressing = event.target.matches("button, summary, a") && ["Enter", " "].includes(event.key);
  const scrolling = event.target.closest("#panel") && event.key.startsWith("Arrow");
  if (typing || pressing || scrolling) return;
  const { node } = page.selection;
  const actions = {
    "/": () => document.getElementById("query").focus(),
    "+": () => page.view.zoom(1.3),
    "=": () => page.view.zoom(1.3),
    "-": () => page.view.zoom(1 / 1.3),
    0: () => page.fit(),
    f: () => page.fit(),
    p: () => page.startPath(),
    o: () => page.toggleAlone(),
    c: () => node !== null && page.centre(node),
    Escape: () => page.clear(),
    Enter: () => node !== null && page.toggleColumns(node),
    ArrowLeft: () => (node === null ? page.view.pan(-PAN, 0) : page.step(event.key)),
    ArrowRight: () => (node === null ? page.view.pan(PAN, 0) : page.step(event.key)),
    ArrowUp: () => (node === null ? page.view.pan(0, -PAN) : page.step(event.key)),
    ArrowDown: () => (node === null ? page.view.pan(0, PAN) : page.step(event.key)),
  };
  if (event.shiftKey && event.key.startsWith("Arrow")) {
    const [right, down] = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    }[event.key];
    page.view.pan(right * PAN, down * PAN);
  } else if (Object.hasOwn(actions, event.key)) actions[event.key]();
  else return;
  event.preventDefault();
}
