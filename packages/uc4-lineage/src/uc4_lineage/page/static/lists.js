// Parts of the panel: sections, lists, and the keys that one may press.

const LONG = 12; // items of a list that are shown before one asks for the others

/** Makes a part of the panel with a heading, and how many things there are. */
function section(title, count, ...children) {
  const number = count ? element("small", {}, String(count)) : "";
  return element("section", {}, element("h3", {}, title, " ", number), ...children);
}

/** Makes a list that shows its first items, and the others when asked. */
function listed(items) {
  const list = element("ul", {}, ...items.slice(0, LONG).map((item) => element("li", {}, item)));
  if (items.length > LONG) {
    const more = element("button", { class: "more" }, `${items.length - LONG} more`);
    more.addEventListener("click", () => {
      more.parentElement.replaceWith(...items.slice(LONG).map((item) => element("li", {}, item)));
    });
    list.append(element("li", {}, more));
  }
  return list;
}

function keys() {
  const rows = [
    ["/", "search"],
    ["← →", "follow the data, against it and along it"],
    ["↑ ↓", "the card above or below"],
    ["Enter", "show or hide columns"],
    ["p", "path to another node"],
    ["o", "only what is upstream and downstream"],
    ["+ − 0", "zoom, and fit all"],
    ["Esc", "back"],
  ];
  const list = rows.flatMap(([key, what]) => [
    element("dt", {}, element("kbd", {}, key)),
    element("dd", {}, what),
  ]);
  return section("Keys", 0, element("dl", { class: "keys" }, ...list));
}
