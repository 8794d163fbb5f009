// The sheet that is drawn on: its colours, its view, and text that is measured once.

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
const COLOURS = [
  ...[
    "paper",
    "wash",
    "dots",
    "ink",
    "soft",
    "line",
    "edge",
    "data",
    "data-wash",
    "job",
    "job-wash",
  ],
  ...["up", "down", "route", "focus", "good", "bad", "busy", "halted"],
];

/** What all that draws has in common. */
class Sheet {
  constructor(canvas, arrangement) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d", { alpha: false });
    this.arrangement = arrangement;
    this.model = arrangement.model;
    this.card = arrangement.card;
    this.texts = new Map();
  }

  /** Takes the colours of the page, light or dark. */
  readColours() {
    const style = getComputedStyle(document.documentElement);
    this.colour = Object.fromEntries(
      COLOURS.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]),
    );
  }

  /** Begins a picture of a view, as a choice lights it. */
  begin(view, choice) {
    const { pen } = this;
    this.scale = view.scale;
    this.ratio = view.ratio;
    this.seen = view.box();
    this.choice = choice;
    pen.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
    pen.fillStyle = this.colour.wash;
    pen.fillRect(0, 0, view.width, view.height);
    this.drawDots(view);
    const scale = view.ratio * view.scale;
    pen.setTransform(scale, 0, 0, scale, view.ratio * view.x, view.ratio * view.y);
  }

  drawDots(view) {
    const step = 28 * view.scale;
    if (step < 14) return;
    const { pen } = this;
    pen.fillStyle = this.colour.dots;
    for (let x = modulo(view.x, step); x < view.width; x += step) {
      for (let y = modulo(view.y, step); y < view.height; y += step) pen.fillRect(x, y, 1.2, 1.2);
    }
  }

  /** Whether any of a rectangle is in view. */
  sees(left, top, right, bottom) {
    const { seen } = this;
    return right >= seen.left && left <= seen.right && bottom >= seen.top && top <= seen.bottom;
  }

  /** Returns the lines of a label, as many and as wide as there is room. */
  lines(label, font, most, width) {
    const key = `${font} ${most} ${width} ${label}`;
    if (!this.texts.has(key)) this.texts.set(key, wrapped(label, most, this.measure(font, width)));
    return this.texts.get(key);
  }

  /** Returns a text, shortened in the middle to the room that it has. */
  fitted(text, font, width) {
    const key = `${font} ${width} ${text}`;
    if (!this.texts.has(key)) this.texts.set(key, shortened(text, this.measure(font, width)));
    return this.texts.get(key);
  }

  measure(font, width) {
    return (text) => {
      this.pen.font = `${font} ${FONT}`;
      return this.pen.measureText(text).width <= width;
    };
  }

  /** Writes one line of text, shortened to its room. */
  write(text, x, y, { font, width, colour, align = "left" }) {
    const { pen } = this;
    const shown = this.fitted(text, font, width);
    pen.font = `${font} ${FONT}`;
    pen.fillStyle = this.colour[colour];
    pen.textAlign = align;
    pen.textBaseline = "middle";
    pen.fillText(shown, x, y);
  }
}

function modulo(value, by) {
  return ((value % by) + by) % by;
}
