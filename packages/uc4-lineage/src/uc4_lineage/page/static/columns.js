// Edges between the columns of open cards, through the job between them.

/** Draws the edges of columns, whose ways it knows until cards are moved. */
class ColumnEdges {
  constructor(edges) {
    this.edges = edges;
    this.sheet = edges.sheet;
    this.model = edges.model;
    this.arrangement = edges.arrangement;
    this.card = edges.card;
    this.pen = edges.pen;
    this.ways = null;
  }

  /** Forgets the ways: cards were moved, opened or hidden. */
  forget() {
    this.ways = null;
  }

  /** Draws what is in view in few strokes: the quiet ones first. */
  draw() {
    if (this.sheet.scale < READABLE) return;
    this.ways ??= this.model.columnEdges.flatMap((edge) => this.waysOf(edge));
    const { columnEdges } = this.sheet.choice;
    const seen = this.ways.filter((way) =>
      this.sheet.sees(way.left, way.top, way.right, way.bottom),
    );
    const light = ({ edge }) => columnEdges.get(edge) ?? "edge";
    const groups = grouped(seen, (way) => `${light(way)} ${way.edge.kind}`);
    const rank = (key) => ORDER.indexOf(key.split(" ")[0]);
    const keys = [...groups.keys()].sort((a, b) => rank(a) - rank(b));
    for (const key of keys) this.stroke(groups.get(key), ...key.split(" "));
  }

  stroke(ways, light, kind) {
    const { pen, sheet } = this;
    const quiet = light === "edge";
    pen.strokeStyle = sheet.colour[light];
    pen.globalAlpha = !quiet ? 1 : sheet.choice.dims ? 0.25 : 0.8;
    // A line of one pixel is drawn much quicker than a wider one.
    pen.lineWidth = quiet ? 1 / (sheet.scale * sheet.ratio) : 2.2;
    pen.setLineDash(kind === "INDIRECT" ? [2, 4] : []);
    pen.beginPath();
    for (const { points } of ways) this.trace(points);
    pen.stroke();
    pen.setLineDash([]);
    pen.globalAlpha = 1;
  }

  /** Traces what is in view of a way, of which most may be far away. */
  trace(points) {
    for (let i = 1; i < points.length; i += 1) {
      const [[x, y], [right, below]] = [points[i - 1], points[i]];
      const [left, top] = [Math.min(x, right), Math.min(y, below)];
      if (this.sheet.sees(left, top, Math.max(x, right), Math.max(y, below)))
        this.edges.trace([points[i - 1], points[i]]);
    }
  }

  /** Returns the ways of an edge, each with the rectangle that holds it. */
  waysOf(edge) {
    const { arrangement } = this;
    const [start, end] = [columnOf(edge.start), columnOf(edge.end)];
    const isOpen = ({ node }) => arrangement.rows[node].length && arrangement.isShown(node);
    if (!isOpen(start) || !isOpen(end)) return [];
    const from = arrangement.rowY(start.node, start.field);
    const to = arrangement.rowY(end.node, end.field);
    return this.routes(edge.job, start.node, end.node, from, to).map((points) => {
      const [x, y] = [points.map((point) => point[0]), points.map((point) => point[1])];
      return {
        edge,
        points,
        left: Math.min(...x),
        right: Math.max(...x),
        top: Math.min(...y),
        bottom: Math.max(...y),
      };
    });
  }

  routes(job, start, end, from, to) {
    const { arrangement, card, edges, model } = this;
    const before = model.edgeAt.get(`${start}>${job}`);
    const after = model.edgeAt.get(`${job}>${end}`);
    if (before === undefined || after === undefined) return [this.direct(start, end, from, to)];
    const spread = Math.max(-1, Math.min(1, (from - arrangement.middle(job)) / 200));
    const through = arrangement.middle(job) + spread * card.height * 0.36;
    return [edges.joined(before, from, through), edges.joined(after, through, to)];
  }

  /** Returns the way between two columns that no job joins here, be it to the left. */
  direct(start, end, from, to) {
    const { arrangement, card } = this;
    const [x, other] = [arrangement.x(start), arrangement.x(end)];
    const beside = [x + card.width + 26, (from + to) / 2];
    return x === other
      ? [[x + card.width, from], beside, [x + card.width, to]]
      : [
          [x < other ? x + card.width : x, from],
          [x < other ? other : other + card.width, to],
        ];
  }
}
