// The side panel: all that is known of what is chosen, as text.

/** Fills the panel; `act` does what its buttons say. */
class Panel {
  constructor(place, model, act) {
    this.place = place;
    this.model = model;
    this.act = act;
  }

  /** Shows one node, with its column or the other end of its path. */
  showNode(selection, choice, isOpen, isAlone) {
    const { node, field, target } = selection;
    const found = this.model.nodes[node];
    this.place.replaceChildren(
      this.head(found, node),
      this.buttons(selection, isOpen, isAlone),
      target === null ? "" : this.route(node, target),
      field === null ? "" : this.columnKin(node, field, choice),
      this.facts(found.detail.facts),
      found.detail.description
        ? element("p", { class: "prose" }, visible(found.detail.description))
        : "",
      this.neighbours(
        "Made from",
        this.model.up[node],
        found.type === "job" ? "Reads" : "Written by",
      ),
      this.neighbours(
        "Used by",
        this.model.down[node],
        found.type === "job" ? "Writes" : "Read by",
      ),
      this.columns(node, field),
      this.table("Runs", ["State", "Started", "Took"], found.detail.runs, (run) => this.run(run)),
      this.table("Versions", ["Version", "Created"], found.detail.versions, (version) =>
        version.map(visible),
      ),
      this.code(found.detail.code),
      this.facets(found.detail.facets),
    );
    this.place.scrollTop = 0;
  }

  head(found, node) {
    const name = element("h2", { id: "chosen" }, element("bdi", {}, visible(found.name)));
    const place = element("p", { class: "soft" }, element("bdi", {}, visible(found.space)));
    const close = element(
      "button",
      {
        class: "plain",
        "aria-label": "Close",
        title: "Close (Esc)",
        onclick: () => this.act.clear(),
      },
      "×",
    );
    const kind = element(
      "span",
      { class: `kind of-${found.type}` },
      icon(found.kind),
      KINDS[found.kind] ?? found.kind,
    );
    const state = found.state
      ? element(
          "span",
          { class: "state" },
          stateDot(found.state),
          (STATES[found.state] ?? STATES.NEW).word,
        )
      : "";
    const top = element(
      "div",
      { class: "row" },
      kind,
      state,
      element("span", { class: "stretch" }),
      close,
    );
    return element("header", { "data-node": this.model.nodes[node].id }, top, name, place);
  }

  buttons({ node, target }, isOpen, isAlone) {
    const { fields } = this.model.nodes[node];
    const button = (text, key, pressed, onclick) =>
      element("button", { "aria-pressed": pressed, onclick, title: `${text} (${key})` }, text);
    return element(
      "div",
      { class: "row buttons" },
      fields.length
        ? button("Columns", "Enter", String(isOpen), () => this.act.toggleColumns(node))
        : "",
      button(target === null ? "Path to …" : "End path", "p", String(target !== null), () =>
        this.act.startPath(),
      ),
      button("Only this", "o", String(isAlone), () => this.act.toggleAlone()),
      button("Centre", "c", undefined, () => this.act.centre(node)),
    );
  }

  facts(facts) {
    if (!facts.length) return "";
    const rows = facts.flatMap(([name, value, address]) => [
      element("dt", {}, visible(name)),
      element("dd", {}, linked(value, address)),
    ]);
    return element("dl", {}, ...rows);
  }

  neighbours(otherwise, nodes, title) {
    if (!nodes.length) return "";
    return section(
      title ?? otherwise,
      nodes.length,
      listed(nodes.map((node) => this.nodeButton(node))),
    );
  }

  nodeButton(node, whole = false) {
    const { kind, label, state, name } = this.model.nodes[node];
    const shown = element("bdi", {}, whole ? oneLine(name) : label);
    const dot = state ? stateDot(state) : "";
    const title = visible(name);
    const onclick = () => this.act.choose(node);
    return element("button", { class: "node", title, onclick }, icon(kind), shown, dot);
  }

  columns(node, chosen) {
    const { fields } = this.model.nodes[node];
    if (!fields.length) return "";
    const rows = fields.map(([name, type, note]) =>
      element(
        "button",
        {
          class: "column",
          "aria-pressed": String(name === chosen),
          onclick: () => this.act.chooseColumn(node, name),
        },
        element("bdi", {}, visible(name)),
        element("small", {}, visible(type)),
        note ? element("span", {}, visible(note)) : "",
      ),
    );
    return section("Columns", fields.length, listed(rows));
  }

  columnKin(node, field, choice) {
    const lists = ["up", "down"].map((side) => {
      const keys = [...choice.columns]
        .filter(([, light]) => light === side)
        .map(([key]) => columnOf(key));
      const rows = keys.map((key) => this.columnButton(key));
      return rows.length
        ? section(
            side === "up" ? "Made from columns" : "Flows into columns",
            rows.length,
            listed(rows),
          )
        : "";
    });
    const name = field === "" ? "The whole dataset" : visible(field);
    const [, type, note] = this.model.nodes[node].fields.find(([known]) => known === field) ?? [];
    const title = element("p", { class: "chosen-column" }, "Column ", element("bdi", {}, name));
    if (type) title.append(" ", element("small", {}, visible(type)));
    if (note) title.append(element("span", { class: "note" }, visible(note)));
    const none = lists.every((list) => list === "")
      ? element("p", { class: "soft" }, "No column is known to lead here or from here.")
      : "";
    return element("div", {}, title, none, ...lists);
  }

  columnButton({ node, field }) {
    const name = element("bdi", {}, field === "" ? "the whole dataset" : visible(field));
    const label = element("small", {}, this.model.nodes[node].label);
    return element(
      "button",
      { class: "column", onclick: () => this.act.chooseColumn(node, field) },
      name,
      label,
    );
  }

  route(start, end) {
    const nodes = [...this.model.between(start, end)];
    nodes.sort((a, b) => this.model.nodes[a].column - this.model.nodes[b].column);
    if (nodes.length)
      return section("Path", nodes.length, listed(nodes.map((node) => this.nodeButton(node))));
    const other = element("bdi", {}, this.model.nodes[end].label);
    return element("p", { class: "notice" }, "No path joins this node and ", other, ".");
  }

  run([state, started, took, id, note]) {
    const shown = element(
      "span",
      { class: "state" },
      stateDot(state),
      (STATES[state] ?? STATES.NEW).word,
    );
    const run = element("code", { class: "soft", title: id }, visible(id));
    const error = note ? element("div", { class: "error" }, visible(note)) : "";
    return [
      element("div", {}, shown, error),
      element("div", {}, visible(started), run),
      visible(took),
    ];
  }

  table(title, names, rows, cells) {
    if (!rows.length) return "";
    const head = element("tr", {}, ...names.map((name) => element("th", { scope: "col" }, name)));
    const body = rows.map((row) =>
      element("tr", {}, ...cells(row).map((cell) => element("td", {}, cell))),
    );
    return section(title, rows.length, element("table", {}, head, ...body));
  }

  code(text) {
    return text ? section("Code", 0, element("pre", {}, visible(text))) : "";
  }

  facets(facets) {
    if (!facets.length) return "";
    const items = facets.map(([name, text, left]) =>
      element(
        "details",
        {},
        element("summary", {}, element("bdi", {}, visible(name))),
        element("pre", {}, visible(text)),
        left ? element("p", { class: "soft" }, visible(left)) : "",
      ),
    );
    return section("Facets", facets.length, ...items);
  }

  /** Shows the graph as a whole. */
  showOverview(data) {
    const failed = this.withState("FAILED");
    const running = this.withState("RUNNING");
    this.place.replaceChildren(
      element(
        "header",
        {},
        element("h2", {}, "The whole graph"),
        element(
          "p",
          { class: "soft" },
          "Choose a node to see where its data comes from and where it goes.",
        ),
      ),
      this.facts(data.facts),
      failed.length ? section("Failed", failed.length, listed(failed)) : "",
      running.length ? section("Running", running.length, listed(running)) : "",
      this.index(),
      keys(),
    );
  }

  withState(state) {
    return [...this.model.nodes.keys()]
      .filter((node) => this.model.nodes[node].state === state)
      .map((node) => this.nodeButton(node));
  }

  /** Lists every node, once someone opens the list. */
  index() {
    const summary = element("summary", {}, `All ${counted(this.model.nodes.length, "node")}`);
    const details = element("details", { class: "index" }, summary);
    details.addEventListener("toggle", () => {
      if (details.childElementCount > 1) return;
      const order = [...this.model.nodes.keys()].sort(
        (a, b) => this.model.nodes[a].column - this.model.nodes[b].column,
      );
      details.append(
        element("ul", {}, ...order.map((node) => element("li", {}, this.nodeButton(node, true)))),
      );
    });
    return details;
  }
}
