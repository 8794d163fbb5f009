// What a node is, drawn in a square of 24: strokes of 1.8, round ends.

const ICONS = {
  table: "M4 5h16v14H4z M4 10h16 M4 14.5h16 M10 10v9",
  view: "M4 5h16v14H4z M8 12s1.6-2.6 4-2.6 4 2.6 4 2.6-1.6 2.6-4 2.6-4-2.6-4-2.6z",
  file: "M6 3h8l4 4v14H6z M14 3v4h4 M9 12h6 M9 16h6",
  object: "M12 3l8 4.5v9L12 21l-8-4.5v-9z M4 7.5l8 4.5 8-4.5 M12 12v9",
  features: "M4 19V9 M9.3 19V5 M14.6 19v-8 M20 19V7",
  stream: "M3 8c3-3 6 3 9 0s6 3 9 0 M3 15c3-3 6 3 9 0s6 3 9 0",
  model:
    "M6.5 8.5l5 6 M6.5 8.5l5-2 M17.5 8.5l-5 6 M17.5 8.5l-5-2 M5 6a2 2 0 1 0 .01 0 M19 6a2 2 0 1 0 .01 0 M12 4a2 2 0 1 0 .01 0 M12 15a2.4 2.4 0 1 0 .01 0",
  endpoint: "M3 12h7 M14 12h7 M12 9.5a2.5 2.5 0 1 0 .01 0 M7 5a9 9 0 0 0 0 14 M17 5a9 9 0 0 1 0 14",
  dataset:
    "M12 4c4.4 0 8 1.2 8 2.8S16.4 9.6 12 9.6 4 8.4 4 6.8 7.6 4 12 4z M4 6.8v10.4C4 18.8 7.6 20 12 20s8-1.2 8-2.8V6.8 M4 12c0 1.6 3.6 2.8 8 2.8s8-1.2 8-2.8",
  job: "M9 5.5v13l10.5-6.5z",
};

const KINDS = {
  table: "table",
  view: "view",
  file: "file",
  object: "object",
  features: "feature view",
  stream: "stream",
  model: "model",
  endpoint: "endpoint",
  dataset: "dataset",
  job: "job",
};

const STATES = {
  COMPLETED: { word: "completed", colour: "good", sign: "M-3.2 .2l2.3 2.4 4.2-5" },
  FAILED: { word: "failed", colour: "bad", sign: "M-2.7-2.7l5.4 5.4 M2.7-2.7l-5.4 5.4" },
  RUNNING: { word: "running", colour: "busy", sign: "M-1.8-3.2v6.4l5-3.2z" },
  ABORTED: { word: "aborted", colour: "halted", sign: "M-3 0h6" },
  NEW: { word: "not started", colour: "soft", sign: "M-.4 0h.8" },
};

const SVG = "http://www.w3.org/2000/svg";

/** Makes an SVG picture of one path. */
function picture(path, box, name) {
  const svg = document.createElementNS(SVG, "svg");
  const line = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", box);
  svg.setAttribute("class", name);
  svg.setAttribute("aria-hidden", "true");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

/** Makes the icon of a kind of node. */
function icon(kind) {
  return picture(
    ICONS[kind] ?? ICONS.dataset,
    "0 0 24 24",
    `icon of-${kind === "job" ? "job" : "dataset"}`,
  );
}

/** Makes the dot of a run's state. */
function stateDot(state) {
  const known = STATES[state] ?? STATES.NEW;
  const dot = picture(known.sign, "-8 -8 16 16", `dot is-${known.word.replace(" ", "-")}`);
  const disc = document.createElementNS(SVG, "circle");
  disc.setAttribute("r", "7");
  dot.prepend(disc);
  return dot;
}
