// The graph: what leads where, at the level of datasets and jobs, and of columns.

const SEPARATOR = "\u0000";

/** Returns the key of a column; the empty field stands for the whole dataset. */
function columnKey(node, field) {
  return `${node}${SEPARATOR}${field}`;
}

/** Returns the node and the field of a key. */
function columnOf(key) {
  const cut = key.indexOf(SEPARATOR);
  return { node: Number(key.slice(0, cut)), field: key.slice(cut + 1) };
}

/** The graph of the page, read once. */
class Model {
  constructor(data) {
    this.nodes = data.nodes;
    for (const node of this.nodes) {
      node.label = oneLine(node.label);
      node.note = oneLine(node.note);
      node.types = new Map(node.fields);
      node.more = `${node.fields.length - FEW_ROWS} more …`;
    }
    this.edges = data.edges.map(([tail, head, bends, back]) => ({ tail, head, bends, back }));
    this.byId = new Map(this.nodes.map((node, index) => [node.id, index]));
    this.up = this.nodes.map(() => []);
    this.down = this.nodes.map(() => []);
    for (const { tail, head } of this.edges) {
      this.down[tail].push(head);
      this.up[head].push(tail);
    }
    this.edgeAt = new Map(this.edges.map((edge, i) => [`${edge.tail}>${edge.head}`, i]));
    this.columnEdges = data.columnEdges.map(([input, from, output, to, job, kind]) => ({
      start: columnKey(input, from),
      end: columnKey(output, to),
      job,
      kind,
    }));
    this.columnsOut = grouped(this.columnEdges, (edge) => edge.start);
    this.columnsIn = grouped(this.columnEdges, (edge) => edge.end);
  }

  /** Whether a dataset has a column, or a link of its own as a whole. */
  hasColumn(node, field) {
    if (field === null || field === undefined) return false;
    const key = columnKey(node, field);
    return this.nodes[node].types.has(field) || this.columnsIn.has(key) || this.columnsOut.has(key);
  }

  /** Returns every node that `from` is made of ("up") or that is made of it ("down"). */
  closure(from, direction) {
    const next = this[direction];
    const seen = new Set([from]);
    const waiting = [from];
    while (waiting.length) {
      for (const node of next[waiting.pop()]) {
        if (!seen.has(node)) {
          seen.add(node);
          waiting.push(node);
        }
      }
    }
    return seen;
  }

  /** Returns the nodes on the ways from one node to another, in the order of the data. */
  between(start, end) {
    const one = intersection(this.closure(start, "down"), this.closure(end, "up"));
    if (one.size) return one;
    return intersection(this.closure(end, "down"), this.closure(start, "up"));
  }

  /** Returns the column edges on one side of a column, near and far. */
  columnClosure(from, direction) {
    const down = direction === "down";
    const edges = new Set();
    const seen = new Set([from]);
    const waiting = [from];
    while (waiting.length) {
      for (const edge of this.columnSteps(waiting.pop(), down)) {
        edges.add(edge);
        const key = down ? edge.end : edge.start;
        if (!seen.has(key)) {
          seen.add(key);
          waiting.push(key);
        }
      }
    }
    return edges;
  }

  /** Returns the edges of one step; what concerns a whole dataset concerns its columns. */
  columnSteps(key, down) {
    const { node, field } = columnOf(key);
    const edges = down ? this.columnsOut : this.columnsIn;
    const own = edges.get(key) ?? [];
    if (field === "") {
      return this.nodes[node].fields
        .flatMap(([name]) => edges.get(columnKey(node, name)) ?? [])
        .concat(own);
    }
    return own.concat(edges.get(columnKey(node, "")) ?? []);
  }
}

function grouped(items, key) {
  const groups = new Map();
  for (const item of items) {
    const name = key(item);
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(item);
  }
  return groups;
}

function intersection(one, other) {
  return new Set([...one].filter((item) => other.has(item)));
}
