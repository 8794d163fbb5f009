// Cards: datasets and jobs, in full from near, by name or colour alone from afar.

const NAMED = 0.58; // scale from which cards are drawn in full
const ROWS = 0.28; // scale from which the columns of open cards are named

/** Draws the cards of a sheet. */
class Cards {
  constructor(sheet) {
    this.sheet = sheet;
    this.model = sheet.model;
    this.arrangement = sheet.arrangement;
    this.card = sheet.card;
    this.pen = sheet.pen;
    this.drawn = 0;
    this.icons = paths(Object.entries(ICONS));
    this.signs = paths(Object.entries(STATES).map(([state, { sign }]) => [state, sign]));
  }

  /** Draws every card in view, and counts them. */
  draw() {
    const { arrangement, card } = this;
    this.drawn = 0;
    for (let node = 0; node < this.model.nodes.length; node += 1) {
      if (!arrangement.isShown(node)) continue;
      const [x, y] = [arrangement.x(node), arrangement.top(node)];
      if (!this.sheet.sees(x, y, x + card.width, y + arrangement.height(node))) continue;
      this.drawn += 1;
      this.drawCard(node, x, y);
    }
  }

  drawCard(node, x, y) {
    const { pen, sheet } = this;
    const { choice, scale } = sheet;
    const isJob = this.model.nodes[node].type === "job";
    const light = choice.nodes.get(node);
    pen.globalAlpha = choice.dims && !light ? 0.3 : 1;
    this.drawBody(isJob, light, x, y, this.arrangement.height(node));
    if (scale >= NAMED) this.drawFace(node, isJob, x, y);
    else if (scale >= READABLE) this.drawName(node, isJob, x, y);
    pen.globalAlpha = 1;
  }

  drawBody(isJob, light, x, y, height) {
    const { pen, sheet } = this;
    const { colour, scale } = sheet;
    const own = colour[isJob ? "job" : "data"];
    const far = scale < READABLE;
    this.outline(isJob, x, y, height);
    pen.fillStyle = far ? (light ? colour[light] : own) : colour[isJob ? "job-wash" : "paper"];
    pen.fill();
    pen.strokeStyle = light ? colour[light] : own;
    pen.lineWidth = light ? Math.max(2.5, 1.5 / scale) : 1.2;
    if (light || !far) pen.stroke();
    if (light !== "focus") return;
    pen.globalAlpha = 0.22;
    pen.lineWidth = Math.max(9, 5 / scale);
    pen.stroke();
    pen.globalAlpha = 1;
  }

  /** Traces the shape: a dataset has round corners, a job points both ways. */
  outline(isJob, x, y, height) {
    const { pen, card } = this;
    const [right, bottom, middle, tip] = [x + card.width, y + height, y + height / 2, 16];
    pen.beginPath();
    if (!isJob) {
      pen.roundRect(x, y, card.width, height, 9);
      return;
    }
    pen.moveTo(x + tip, y);
    pen.lineTo(right - tip, y);
    pen.lineTo(right, middle);
    pen.lineTo(right - tip, bottom);
    pen.lineTo(x + tip, bottom);
    pen.lineTo(x, middle);
    pen.closePath();
  }

  /** Draws all that a card tells: icon, name, note, state or number of columns. */
  drawFace(node, isJob, x, y) {
    const { pen, card, sheet } = this;
    const { kind, state, fields, label, note } = this.model.nodes[node];
    const middle = y + card.height / 2;
    const tile = x + (isJob ? 20 : 12);
    if (!isJob) this.drawTile(tile - 2, middle - 16);
    this.drawIcon(kind, tile + 2, middle - 12, sheet.colour[isJob ? "job" : "data"]);
    const width = card.width - (isJob ? 104 : fields.length ? 94 : 62);
    const lines = sheet.lines(label, "600 13px", 2, width);
    const top = middle - lines.length * 7.5 + 0.5;
    lines.forEach((line, i) => {
      sheet.write(line, tile + 38, top + i * 15, {
        font: "600 13px",
        width: width + 4,
        colour: "ink",
      });
    });
    // Below what stands at the right there is more room.
    const below = { font: "11px", width: width + 26, colour: "soft" };
    sheet.write(note, tile + 38, top + lines.length * 15 + 1, below);
    if (isJob) this.drawState(state, x + card.width - 30, middle);
    else if (fields.length) this.drawOpener(node, x + card.width - 20, middle);
    if (this.arrangement.rows[node].length) this.drawRows(node, x, y + card.height);
  }

  drawTile(x, y) {
    const { pen } = this;
    pen.fillStyle = this.sheet.colour["data-wash"];
    pen.beginPath();
    pen.roundRect(x, y, 32, 32, 7);
    pen.fill();
  }

  drawIcon(kind, x, y, colour) {
    const { pen } = this;
    pen.save();
    pen.translate(x, y);
    pen.strokeStyle = colour;
    pen.lineWidth = 1.8;
    pen.lineCap = pen.lineJoin = "round";
    pen.stroke(this.icons[kind] ?? this.icons.dataset);
    pen.restore();
  }

  drawState(state, x, y, size = 1) {
    if (!Object.hasOwn(STATES, state)) return;
    const { pen, sheet } = this;
    pen.save();
    pen.translate(x, y);
    pen.scale(size, size);
    pen.beginPath();
    pen.arc(0, 0, 8, 0, 2 * Math.PI);
    pen.fillStyle = sheet.colour[STATES[state].colour];
    pen.fill();
    pen.lineWidth = 1.7;
    pen.lineCap = pen.lineJoin = "round";
    pen.strokeStyle = sheet.colour.paper;
    pen.stroke(this.signs[state]);
    pen.restore();
  }

  /** Draws the number of columns and whether they are shown. */
  drawOpener(node, x, y) {
    const { pen, sheet } = this;
    const count = String(this.model.nodes[node].fields.length);
    sheet.write(count, x - 5, y, { font: "11px", width: 40, colour: "soft", align: "right" });
    const open = this.arrangement.rows[node].length > 0;
    const corners = open
      ? [
          [-1, -2],
          [3, 2],
          [7, -2],
        ]
      : [
          [1, -4],
          [5, 0],
          [1, 4],
        ];
    pen.strokeStyle = sheet.colour.soft;
    pen.lineWidth = 1.6;
    pen.beginPath();
    for (const [right, down] of corners) pen.lineTo(x + right, y + down);
    pen.stroke();
  }

  drawRows(node, x, y, size = 12) {
    const { pen, card, sheet } = this;
    pen.fillStyle = sheet.colour.line;
    pen.fillRect(x, y - 0.5, card.width, 1);
    this.arrangement.rows[node].forEach((field, i) => {
      const top = y + 2 + i * ROW;
      if (sheet.sees(x, top, x + card.width, top + ROW)) this.drawRow(node, field, x, top, size);
    });
  }

  drawRow(node, field, x, top, size) {
    const { card, sheet } = this;
    const { types, more } = this.model.nodes[node];
    const light = sheet.choice.columns.get(columnKey(node, field));
    const middle = top + ROW / 2;
    if (light) this.drawLight(light, x, top);
    const type = size > 12 ? "" : oneLine(types.get(field) ?? "").toLowerCase(); // seen from near
    const name = field === ALL ? more : field === "" ? "the whole dataset" : oneLine(field);
    sheet.write(name, x + 14, middle, {
      font: `${light ? "600 " : ""}${size}px`,
      width: card.width - (type ? 110 : 24),
      colour: light ?? "ink",
    });
    const small = { font: "10.5px", width: 80, colour: "soft", align: "right" };
    sheet.write(type, x + card.width - 12, middle, small);
  }

  drawLight(light, x, top) {
    const { pen, card } = this;
    const alpha = pen.globalAlpha;
    pen.globalAlpha = 0.15;
    pen.fillStyle = this.sheet.colour[light];
    pen.fillRect(x + 1, top, card.width - 2, ROW);
    pen.globalAlpha = alpha;
  }

  /** Returns a label in the largest letters that need not cut it, if there are such. */
  largest(label, width) {
    const most = clamp(2 * Math.round(4.4 / this.sheet.scale), 18, 30);
    const sizes = [1, 0.85, 0.7].map((part) => Math.round(most * part));
    const tried = sizes.map((size) => ({
      size,
      lines: this.sheet.lines(label, `600 ${size}px`, 2, width),
    }));
    return tried.find(({ lines }) => isWhole(lines, label)) ?? tried[1];
  }

  /** Draws the name alone, as large as the card allows, and a state that matters. */
  drawName(node, isJob, x, y) {
    const { card, sheet } = this;
    const { label, state } = this.model.nodes[node];
    const width = card.width - (isJob ? 40 : 16);
    const { lines, size } = this.largest(label, width);
    const font = `600 ${size}px`;
    const top = y + card.height / 2 - ((lines.length - 1) * size * 0.96) / 2;
    lines.forEach((line, i) => {
      sheet.write(line, x + card.width / 2, top + i * size * 0.96, {
        font,
        width: width + 20,
        colour: "ink",
        align: "center",
      });
    });
    if (this.arrangement.rows[node].length && sheet.scale > ROWS)
      this.drawRows(node, x, y + card.height, 17);
    if (state !== "COMPLETED") this.drawState(state, x + card.width - 16, y + 9, 1.8);
  }
}

/** Whether lines hold all of a label, and end where it may be parted. */
function isWhole(lines, label) {
  const parted = lines.slice(0, -1).every((line) => /[._/\-: ]$/.test(line));
  return parted && lines.join("").length >= label.replaceAll(" ", "").length;
}

function paths(entries) {
  return Object.fromEntries(entries.map(([name, path]) => [name, new Path2D(path)]));
}
