// What part of the graph is seen: pan, zoom, and quick rides to a place.

const CLOSEST = 2.5;
const FARTHEST = 0.02;
const MARGIN = 48; // pixels around what is shown whole
const RIDE = 260; // milliseconds

/** The window on the graph: pixels of the page are `scale * position + (x, y)`. */
class View {
  constructor(canvas, changed) {
    this.canvas = canvas;
    this.changed = changed;
    this.scale = 1;
    this.x = 0;
    this.y = 0;
    this.ride = 0;
    this.resize();
  }

  resize() {
    const { width, height } = this.canvas.getBoundingClientRect();
    this.ratio = Math.min(window.devicePixelRatio || 1, 2);
    this.width = Math.max(1, width);
    this.height = Math.max(1, height);
    this.canvas.width = Math.round(this.width * this.ratio);
    this.canvas.height = Math.round(this.height * this.ratio);
    this.changed();
  }

  /** Returns the rectangle of the graph that is seen. */
  box() {
    return {
      left: -this.x / this.scale,
      top: -this.y / this.scale,
      right: (this.width - this.x) / this.scale,
      bottom: (this.height - this.y) / this.scale,
    };
  }

  /** Returns the position in the graph under a point of the canvas. */
  position(x, y) {
    return { x: (x - this.x) / this.scale, y: (y - this.y) / this.scale };
  }

  pan(right, down) {
    this.stop();
    this.x -= right;
    this.y -= down;
    this.changed();
  }

  /** Zooms by a factor; the position under the point stays where it is. */
  zoom(factor, x = this.width / 2, y = this.height / 2) {
    this.stop();
    const scale = clamp(this.scale * factor, FARTHEST, CLOSEST);
    this.x = x - ((x - this.x) * scale) / this.scale;
    this.y = y - ((y - this.y) * scale) / this.scale;
    this.scale = scale;
    this.changed();
  }

  /** Shows a rectangle whole, no closer than `closest`. */
  fit(box, closest = 1, ride = true) {
    const scale = clamp(this.scaleOf(box), FARTHEST, closest);
    this.centre((box.left + box.right) / 2, (box.top + box.bottom) / 2, scale, ride);
  }

  /** Returns the scale at which a rectangle fills the canvas. */
  scaleOf({ left, top, right, bottom }) {
    return Math.min(
      (this.width - 2 * MARGIN) / (right - left),
      (this.height - 2 * MARGIN) / (bottom - top),
    );
  }

  /** Moves a position to the middle. */
  centre(x, y, scale = this.scale, ride = true) {
    this.stop();
    const aim = { x: this.width / 2 - x * scale, y: this.height / 2 - y * scale, scale };
    if (!ride || window.matchMedia("(prefers-reduced-motion: reduce)").matches) {
      Object.assign(this, aim);
      this.changed();
      return;
    }
    const from = { x: this.x, y: this.y, scale: this.scale };
    const began = performance.now();
    const step = (now) => {
      const part = clamp((now - began) / RIDE, 0, 1);
      const eased = 1 - (1 - part) ** 3;
      for (const key of ["x", "y", "scale"]) this[key] = from[key] + (aim[key] - from[key]) * eased;
      this.ride = part < 1 ? requestAnimationFrame(step) : 0;
      this.changed();
    };
    this.ride = requestAnimationFrame(step);
  }

  stop() {
    cancelAnimationFrame(this.ride);
    this.ride = 0;
  }
}

function clamp(value, least, most) {
  return Math.max(least, Math.min(most, value));
}
