// Edges between cards.

const READABLE = 0.13; // scale from which there are names, arrows and edges of columns
const ORDER = ["dim", "edge", "up", "down", "route"]; // the last on top

/** Draws the edges of a sheet. */
class Edges {
  constructor(sheet) {
    this.sheet = sheet;
    this.model = sheet.model;
    this.arrangement = sheet.arrangement;
    this.card = sheet.card;
    this.pen = sheet.pen;
  }

  /** Draws edges in few strokes: the quiet ones together, then each colour on top. */
  draw() {
    const groups = new Map();
    this.model.edges.forEach((edge, index) => {
      const way = this.way(index);
      if (!way) return;
      const light = this.sheet.choice.edges.get(index) ?? (this.sheet.choice.dims ? "dim" : "edge");
      const key = `${light}${edge.back ? " back" : ""}`;
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(way);
    });
    const rank = (key) => ORDER.indexOf(key.split(" ")[0]);
    const keys = [...groups.keys()].sort((a, b) => rank(a) - rank(b));
    for (const key of keys) this.strokeEdges(groups.get(key), ...key.split(" "));
  }

  strokeEdges(ways, light, back) {
    const { pen } = this;
    const quiet = light === "dim" || light === "edge";
    pen.strokeStyle = pen.fillStyle = this.sheet.colour[light === "dim" ? "edge" : light];
    pen.globalAlpha = light === "dim" ? 0.28 : 1;
    pen.lineWidth = Math.max(quiet ? 1.5 : 2.6, (quiet ? 0.7 : 1.6) / this.sheet.scale);
    pen.setLineDash(back ? [7, 5] : []);
    pen.beginPath();
    for (const way of ways) this.trace(way);
    pen.stroke();
    pen.setLineDash([]);
    if (this.sheet.scale > READABLE) {
      pen.beginPath();
      for (const way of ways) this.arrow(way);
      pen.fill();
    }
    pen.globalAlpha = 1;
  }

  /** Returns the points of an edge, or null where none of it is seen. */
  way(index) {
    const { arrangement } = this;
    const { tail, head, back } = this.model.edges[index];
    if (!arrangement.isShown(tail) || !arrangement.isShown(head)) return null;
    const shift = back ? 9 : 0; // beside the edge that runs the other way
    const points = this.joined(
      index,
      arrangement.middle(tail) + shift,
      arrangement.middle(head) + shift,
      shift,
    );
    return this.inView(points) ? points : null;
  }

  /** Returns the points of an edge that begins and ends at some heights. */
  joined(index, start, end, shift = 0) {
    const { arrangement, card } = this;
    const { tail, head } = this.model.edges[index];
    const ahead = arrangement.x(head) >= arrangement.x(tail);
    const points = [[arrangement.x(tail) + (ahead ? card.width : 0), start]];
    const bends = arrangement.bends[index];
    bends.forEach((bend, i) => {
      const x = arrangement.x(tail) + (ahead ? 1 : -1) * (i + 1) * card.pitch;
      const sides = ahead ? [x, x + card.width] : [x + card.width, x];
      for (const side of sides) points.push([side, bend.y + shift]);
    });
    points.push([arrangement.x(head) + (ahead ? 0 : card.width), end]);
    return points;
  }

  inView(points) {
    let top = Infinity;
    let bottom = -Infinity;
    for (const [, y] of points) {
      if (y < top) top = y;
      if (y > bottom) bottom = y;
    }
    const [first, last] = [points[0][0], points.at(-1)[0]];
    return this.sheet.sees(Math.min(first, last), top, Math.max(first, last), bottom);
  }

  trace(points) {
    const { pen } = this;
    pen.moveTo(points[0][0], points[0][1]);
    for (let i = 1; i < points.length; i += 1) {
      const [x, y] = points[i - 1];
      const [right, below] = points[i];
      if (y === below) pen.lineTo(right, below);
      else {
        const middle = (x + right) / 2;
        pen.bezierCurveTo(middle, y, middle, below, right, below);
      }
    }
  }

  arrow(points) {
    const { pen } = this;
    const [x, y] = points.at(-1);
    const back = x < points.at(-2)[0] ? 8 : -8;
    pen.moveTo(x, y);
    pen.lineTo(x + back, y - 4.5);
    pen.lineTo(x + back, y + 4.5);
  }
}
