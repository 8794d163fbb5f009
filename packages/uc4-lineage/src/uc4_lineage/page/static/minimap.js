// The whole graph in a corner, with what is seen of it.

/** A small picture of all cards, drawn again only when they move. */
class Minimap {
  constructor(canvas, sheet, view) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.sheet = sheet;
    this.arrangement = sheet.arrangement;
    this.view = view;
    this.cards = document.createElement("canvas");
    const follow = (event) => {
      if (event.buttons !== 1) return;
      const { x, y } = this.position(event.offsetX, event.offsetY);
      view.centre(x, y, view.scale, false);
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      follow(event);
    });
    canvas.addEventListener("pointermove", follow);
  }

  position(x, y) {
    return { x: (x - this.x) / this.scale, y: (y - this.y) / this.scale };
  }

  /** Draws the cards, each a dot of its colour. */
  redraw(choice) {
    const { width, height } = this.canvas;
    Object.assign(this.cards, { width, height });
    const box = this.arrangement.bounds();
    const margin = 8;
    this.scale = Math.min(
      (width - 2 * margin) / (box.right - box.left),
      (height - 2 * margin) / (box.bottom - box.top),
    );
    this.x = (width - (box.right - box.left) * this.scale) / 2 - box.left * this.scale;
    this.y = (height - (box.bottom - box.top) * this.scale) / 2 - box.top * this.scale;
    const pen = this.cards.getContext("2d");
    const { nodes } = this.arrangement.model;
    for (let node = 0; node < nodes.length; node += 1) {
      if (!this.arrangement.isShown(node)) continue;
      const light = choice.nodes.get(node);
      pen.globalAlpha = choice.dims && !light ? 0.25 : 1;
      pen.fillStyle = this.sheet.colour[light ?? (nodes[node].type === "job" ? "job" : "data")];
      pen.fillRect(
        this.x + this.arrangement.x(node) * this.scale,
        this.y + this.arrangement.top(node) * this.scale,
        Math.max(2, this.arrangement.card.width * this.scale),
        Math.max(1.5, this.arrangement.height(node) * this.scale),
      );
    }
  }

  /** Draws the frame around what is seen. */
  draw() {
    const { pen, canvas, view } = this;
    const seen = view.box();
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(this.cards, 0, 0);
    pen.strokeStyle = this.sheet.colour.focus;
    pen.lineWidth = 1.5;
    const left = clamp(this.x + seen.left * this.scale, 1, canvas.width - 3);
    const top = clamp(this.y + seen.top * this.scale, 1, canvas.height - 3);
    const right = clamp(this.x + seen.right * this.scale, 3, canvas.width - 1);
    const bottom = clamp(this.y + seen.bottom * this.scale, 3, canvas.height - 1);
    pen.strokeRect(left, top, right - left, bottom - top);
  }
}
