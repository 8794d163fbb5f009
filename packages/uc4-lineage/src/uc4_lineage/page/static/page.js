// The page: what the parts do together.

/** Everything that can be done with the page, and what is chosen in it. */
class Page {
  constructor(data) {
    const by = (id) => document.getElementById(id);
    this.data = data;
    this.model = new Model(data);
    this.selection = { node: null, field: null, target: null, alone: false };
    this.choice = noChoice();
    this.open = new Set();
    this.all = new Set();
    this.picking = false; // the next node is the end of a path
    this.frame = 0;
    this.canvas = by("graph");
    this.status = by("status");
    this.arrangement = new Arrangement(this.model, data.card);
    this.sheet = new Sheet(this.canvas, this.arrangement);
    this.edges = new Edges(this.sheet);
    this.columnEdges = new ColumnEdges(this.edges);
    this.cards = new Cards(this.sheet);
    this.view = new View(this.canvas, () => this.request());
    this.minimap = new Minimap(by("minimap"), this.sheet, this.view);
    this.panel = new Panel(by("panel"), this.model, this);
    this.search = new Search(by("query"), by("suggestions"), this.model, (node) => {
      this.canvas.focus({ preventScroll: true });
      this.choose(node);
    });
  }

  start() {
    listen(this);
    wearTheme(document.getElementById("theme"), () => this.recolour());
    this.explain();
    this.panel.showOverview(this.data);
    this.fit(false);
    const { chosen, chosenField } = this.data;
    if (chosen >= 0 && !location.hash) {
      const field = this.model.hasColumn(chosen, chosenField) ? chosenField : null;
      history.replaceState(
        null,
        "",
        hashOf(this.model, { ...this.selection, node: chosen, field }),
      );
    }
    this.readAddress(false);
  }

  /** Fills the legend with the kinds and states that this graph has. */
  explain() {
    const has = (key) => [...new Set(this.model.nodes.map((node) => node[key]))];
    const kinds = has("kind").filter((kind) => kind !== "job" && Object.hasOwn(KINDS, kind));
    const states = has("state").filter((state) => Object.hasOwn(STATES, state));
    const label = (sign, word) => element("span", {}, sign, word);
    document.getElementById("kinds").append(...kinds.map((kind) => label(icon(kind), KINDS[kind])));
    document
      .getElementById("states")
      .append(...states.map((state) => label(stateDot(state), STATES[state].word)));
  }

  // What one can do

  /** Chooses a node, or ends a path with it. */
  choose(node) {
    if (this.picking && this.selection.node !== null && node !== this.selection.node) {
      this.select({ ...this.selection, field: null, target: node });
      this.view.fit(this.arrangement.bounds(this.model.between(this.selection.node, node)));
      return;
    }
    this.select({ ...this.selection, node, field: null, target: null });
    this.reveal(node);
  }

  chooseColumn(node, field) {
    this.open.add(node);
    if (this.model.nodes[node].fields.findIndex(([name]) => name === field) >= FEW_ROWS)
      this.all.add(node);
    this.select({ ...this.selection, node, field, target: null });
    this.revealKin(node);
  }

  toggleColumns(node) {
    if (!this.model.nodes[node].fields.length) return;
    if (this.open.has(node)) this.open.delete(node);
    else this.open.add(node);
    const kept = this.selection.node === node && this.open.has(node) ? this.selection.field : null;
    this.select(
      { ...this.selection, field: this.selection.node === node ? kept : this.selection.field },
      node,
    );
  }

  /** Opens every dataset, or closes all of them where all are open. */
  toggleAllColumns() {
    const openable = [...this.model.nodes.keys()].filter(
      (node) => this.model.nodes[node].fields.length,
    );
    const close = openable.every((node) => this.open.has(node));
    this.open = new Set(close ? [] : openable);
    this.select({ ...this.selection, field: close ? null : this.selection.field });
  }

  startPath() {
    if (this.selection.node === null) return;
    if (this.selection.target !== null) this.select({ ...this.selection, target: null });
    else this.setPicking(!this.picking);
  }

  toggleAlone() {
    if (this.selection.node === null) return;
    this.select({ ...this.selection, alone: !this.selection.alone });
    if (this.selection.alone) this.fit();
    else this.reveal(this.selection.node);
  }

  centre(node) {
    this.view.centre(
      this.arrangement.x(node) + this.arrangement.card.width / 2,
      this.arrangement.y(node),
      Math.max(this.view.scale, 0.8),
    );
  }

  fit(ride = true) {
    this.view.fit(this.arrangement.bounds(), 1, ride);
  }

  /** Takes one step back: the search for a path, the column, the choice. */
  clear() {
    if (this.picking) this.setPicking(false);
    else if (this.selection.target !== null) this.select({ ...this.selection, target: null });
    else if (this.selection.field !== null) this.select({ ...this.selection, field: null });
    else this.select({ node: null, field: null, target: null, alone: false });
  }

  /** Moves the choice along the edges, or up and down within a column of cards. */
  step(key) {
    const { node } = this.selection;
    const near = { ArrowLeft: () => this.model.up[node], ArrowRight: () => this.model.down[node] };
    const next =
      key in near
        ? this.nearest(node, near[key]())
        : this.beside(node, key === "ArrowDown" ? 1 : -1);
    if (next !== undefined) this.choose(next);
  }

  nearest(node, others) {
    const far = (other) => Math.abs(this.arrangement.y(other) - this.arrangement.y(node));
    return [...others]
      .filter((other) => this.arrangement.isShown(other))
      .sort((a, b) => far(a) - far(b))[0];
  }

  beside(node, step) {
    const cards = this.arrangement.columns[this.model.nodes[node].column];
    const shown = cards
      .map(({ index }) => index)
      .filter((index) => index !== undefined && this.arrangement.isShown(index));
    return shown[shown.indexOf(node) + step];
  }

  // What follows from it

  select(selection, anchor = selection.node ?? this.selection.node) {
    this.setPicking(false);
    this.selection = selection;
    this.arrange(anchor);
    const hash = hashOf(this.model, selection);
    if (hash !== location.hash)
      history.pushState(null, "", hash || location.pathname + location.search);
    this.show();
  }

  /** Lights, opens and places the cards; one of them stays under the eyes. */
  arrange(anchor = this.selection.node) {
    const { arrangement, selection } = this;
    const was = anchor === null ? null : this.placeOf(anchor);
    this.choice = choiceOf(this.model, selection);
    arrangement.shown = selection.alone ? new Set(this.choice.nodes.keys()) : null;
    arrangement.rows = openRows(this.model, this.open, this.all, this.choice);
    arrangement.place();
    this.columnEdges.forget();
    if (was !== null && arrangement.isShown(anchor)) {
      this.view.y += was.y - this.placeOf(anchor).y;
      this.view.x += was.x - this.placeOf(anchor).x;
    }
  }

  placeOf(node) {
    const { scale, x, y } = this.view;
    return {
      x: this.arrangement.x(node) * scale + x,
      y: this.arrangement.middle(node) * scale + y,
    };
  }

  show() {
    const { node } = this.selection;
    if (node === null) this.panel.showOverview(this.data);
    else
      this.panel.showNode(this.selection, this.choice, this.open.has(node), this.selection.alone);
    this.say(described(this.model, this.selection, this.choice));
    this.minimap.redraw(this.choice);
    this.request();
  }

  /** Brings a node into view unless it is well within it. */
  reveal(node) {
    const { x, y } = this.placeOf(node);
    const width = this.arrangement.card.width * this.view.scale;
    const inside =
      x > 20 && y > 40 && x + width < this.view.width - 20 && y < this.view.height - 60;
    if (!inside || this.view.scale < READABLE) this.centre(node);
  }

  /** Brings a column's kin into view, as many as can be read there. */
  revealKin(node) {
    const box = this.arrangement.bounds(this.choice.nodes.keys());
    if (this.view.scaleOf(box) >= NAMED) this.view.fit(box);
    else if (this.view.scale < NAMED) this.centre(node);
    else this.reveal(node);
  }

  readAddress(ride = true) {
    const { missing, ...selection } = selectionOf(this.model, location.hash);
    this.selection = selection;
    if (selection.field !== null) this.open.add(selection.node);
    this.setPicking(false);
    this.arrange();
    this.show();
    if (missing !== null) this.say(`This graph has no node ${visible(missing)}.`, true);
    if (selection.alone) this.fit(ride);
    else if (selection.target !== null)
      this.view.fit(
        this.arrangement.bounds(this.model.between(selection.node, selection.target)),
        1,
        ride,
      );
    else if (selection.node !== null) this.reveal(selection.node);
  }

  setPicking(picking) {
    this.picking = picking;
    document.body.classList.toggle("picking", picking);
    if (picking) this.say("Choose the other end of the path: click it, or search for it.", true);
    else document.getElementById("toast").hidden = true;
  }

  /** Tells those who listen, and those who look where it matters. */
  say(text, aloud = false) {
    this.status.textContent = text;
    const toast = document.getElementById("toast");
    toast.textContent = text;
    toast.hidden = !aloud;
  }

  /** Draws everything in the colours of now. */
  recolour() {
    this.sheet.readColours();
    this.minimap.redraw(this.choice);
    this.request();
  }

  /** Asks for one drawing at the next frame, however often it is asked. */
  request() {
    if (!this.frame && this.minimap) {
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.paint();
      });
    }
  }

  paint() {
    this.sheet.begin(this.view, this.choice);
    this.edges.draw();
    this.columnEdges.draw();
    this.cards.draw();
    this.minimap.draw();
    const { dataset } = this.canvas;
    dataset.scale = this.view.scale.toFixed(4);
    dataset.left = this.view.box().left.toFixed(1);
    dataset.top = this.view.box().top.toFixed(1);
    dataset.cards = this.cards.drawn;
    document.getElementById("scale").textContent = `${Math.round(this.view.scale * 100)} %`;
  }
}

new Page(JSON.parse(document.getElementById("data").textContent)).start();
