// Where the cards lie now: as laid out, moved apart by what is open, or drawn together.

const ROW = 22; // height of a column of an open dataset
const FEW_ROWS = 30; // columns that are shown before one asks for all
const ALL = "\u0000all"; // the row that asks for all columns
const BEND = 14; // height that an edge takes where it passes a column of cards
const SWEEPS = 8;

/** Returns heights near those wanted, in their order, with the distances between them. */
function spread(wanted, distances) {
  const offsets = [0];
  for (const distance of distances) offsets.push(offsets.at(-1) + distance);
  const blocks = [];
  wanted.forEach((height, i) => {
    let block = { mean: height - offsets[i], count: 1 };
    while (blocks.length && blocks.at(-1).mean > block.mean) {
      const other = blocks.pop();
      const count = block.count + other.count;
      block = { mean: (block.mean * block.count + other.mean * other.count) / count, count };
    }
    blocks.push(block);
  });
  const means = blocks.flatMap(({ mean, count }) => Array(count).fill(mean));
  return means.map((mean, i) => mean + offsets[i]);
}

/** The places of all cards and edges. */
class Arrangement {
  constructor(model, card) {
    this.model = model;
    this.card = card;
    this.shown = null; // the nodes that are shown alone; null: all
    this.rows = model.nodes.map(() => []); // the columns that each card shows
    this.columns = [];
    const add = (column, item) => (this.columns[column] ??= []).push(item);
    model.nodes.forEach((node, index) => add(node.column, { index, home: node.y, y: node.y }));
    this.bends = model.edges.map((edge, index) => {
      const step = model.nodes[edge.head].column > model.nodes[edge.tail].column ? 1 : -1;
      return edge.bends.map((y, i) => {
        const item = { edge: index, home: y, y };
        add(model.nodes[edge.tail].column + step * (i + 1), item);
        return item;
      });
    });
    this.cards = [];
    for (const column of this.columns) {
      column?.sort((a, b) => a.home - b.home);
      for (const item of column ?? []) if (item.index !== undefined) this.cards[item.index] = item;
    }
    this.place();
  }

  x(node) {
    return this.model.nodes[node].column * this.card.pitch;
  }

  y(node) {
    return this.cards[node].y;
  }

  /** Returns the height of a card with the columns that it shows. */
  height(node) {
    const rows = this.rows[node].length;
    return this.card.height + (rows ? rows * ROW + 8 : 0);
  }

  top(node) {
    return this.cards[node].y - this.height(node) / 2;
  }

  /** Returns the centre of the upper part of a card, where its edges begin. */
  middle(node) {
    return this.top(node) + this.card.height / 2;
  }

  /** Returns the height of a column's row, or of the card where the row is not shown. */
  rowY(node, field) {
    const place = this.rows[node].indexOf(field);
    if (place < 0) return this.middle(node);
    return this.top(node) + this.card.height + 2 + (place + 0.5) * ROW;
  }

  isShown(node) {
    return this.shown === null || this.shown.has(node);
  }

  /** Moves cards apart, as little as possible, in the order that they have. */
  place() {
    for (const column of this.columns) {
      if (!column) continue;
      const items = column.filter((item) => this.counts(item));
      for (const item of items) item.wanted = this.wanted(item);
      this.settle(items);
    }
    if (this.shown !== null) this.gather();
  }

  counts({ index, edge }) {
    if (index !== undefined) return this.isShown(index);
    const { tail, head } = this.model.edges[edge];
    return this.isShown(tail) && this.isShown(head);
  }

  /** Returns the centre that an item wants: an open card keeps its head where it was. */
  wanted({ index, home }) {
    if (index === undefined) return home;
    return home + (this.height(index) - this.card.height) / 2;
  }

  settle(items) {
    const room = items.map(({ index }) =>
      index === undefined ? BEND : this.height(index) + this.card.gap,
    );
    const distances = room.slice(1).map((height, i) => (height + room[i]) / 2);
    const heights = spread(
      items.map((item) => item.wanted),
      distances,
    );
    items.forEach((item, i) => (item.y = heights[i]));
  }

  /** Draws the cards that are shown alone together. */
  gather() {
    const columns = this.columns.map((column) =>
      (column ?? []).filter((item) => this.counts(item)),
    );
    const neighbours = this.neighbours();
    for (const column of columns) {
      for (const item of column) item.wanted = 0;
      this.settle(column);
    }
    for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
      for (const column of sweep % 2 ? columns.toReversed() : columns) {
        for (const item of column) {
          const near = neighbours.get(item) ?? [];
          item.wanted = near.length
            ? near.reduce((sum, { y }) => sum + y, 0) / near.length
            : item.y;
        }
        this.settle(column);
      }
    }
  }

  /** Returns the items before and after each item on the edges that are shown. */
  neighbours() {
    const found = new Map();
    const join = (one, other) => {
      if (!found.has(one)) found.set(one, []);
      found.get(one).push(other);
    };
    this.model.edges.forEach((edge, index) => {
      if (!this.isShown(edge.tail) || !this.isShown(edge.head)) return;
      const way = [this.cards[edge.tail], ...this.bends[index], this.cards[edge.head]];
      for (let i = 1; i < way.length; i += 1) {
        join(way[i - 1], way[i]);
        join(way[i], way[i - 1]);
      }
    });
    return found;
  }

  /** Returns the rectangle around some nodes, all that are shown when none are named. */
  bounds(nodes = this.model.nodes.keys()) {
    const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
    for (const node of nodes) {
      if (!this.isShown(node)) continue;
      box.left = Math.min(box.left, this.x(node));
      box.right = Math.max(box.right, this.x(node) + this.card.width);
      box.top = Math.min(box.top, this.top(node));
      box.bottom = Math.max(box.bottom, this.top(node) + this.height(node));
    }
    return box.left === Infinity ? { left: 0, top: 0, right: 1, bottom: 1 } : box;
  }

  /** Returns the node whose card holds a point, or -1. */
  at(x, y) {
    const column = Math.floor(x / this.card.pitch);
    if (x - column * this.card.pitch > this.card.width) return -1;
    for (const { index } of this.columns[column] ?? []) {
      if (index === undefined || !this.isShown(index)) continue;
      const top = this.top(index);
      if (y >= top && y <= top + this.height(index)) return index;
    }
    return -1;
  }

  /** Returns the column under a point of an open card, or null. */
  fieldAt(node, y) {
    const place = Math.floor((y - this.top(node) - this.card.height - 2) / ROW);
    return this.rows[node][place] ?? null;
  }
}
