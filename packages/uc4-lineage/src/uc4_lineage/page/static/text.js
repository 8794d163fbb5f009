// Text of others, shown and never interpreted.

// Characters that change how their neighbours are read: controls, bidirectional
// overrides, invisible marks. They are shown by their number instead.
const UNSEEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** Returns a text with every unseen character spelled out, such as ⟨U+202E⟩. */
function visible(text) {
  return String(text).replace(UNSEEN, (character) => {
    const number = character.codePointAt(0).toString(16).toUpperCase();
    return `⟨U+${number.padStart(4, "0")}⟩`;
  });
}

/** Returns a text on one line: line breaks and tabs become spaces. */
function oneLine(text) {
  return visible(String(text).replace(/[\r\n\t]+/g, " "));
}

/** Makes an element; children are elements, or text that stays text. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Returns a link where a browser may open the address, plain text elsewhere. */
function linked(text, address) {
  const shown = element("bdi", {}, visible(text));
  if (!/^https?:\/\//i.test(address ?? "") && !/^file:\/\/\//i.test(address ?? "")) {
    return shown;
  }
  return element("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, shown);
}

/** Breaks a label into at most `most` lines that `fits` admits, shortened in the middle. */
function wrapped(label, most, fits) {
  const lines = [];
  let rest = label;
  while (lines.length < most - 1 && !fits(rest)) {
    const cut = breakAt(rest, fits);
    lines.push(rest.slice(0, cut));
    rest = rest.slice(cut).trimStart();
  }
  lines.push(shortened(rest, fits));
  return lines;
}

/** Returns where a line ends: after the last separator that fits, or anywhere. */
function breakAt(text, fits) {
  let widest = 1;
  let separated = 0;
  for (let end = 1; end <= text.length && fits(text.slice(0, end)); end += 1) {
    widest = end;
    if (/[._/\-: ]/.test(text[end - 1])) separated = end;
  }
  return separated > widest / 3 ? separated : widest;
}

/** Returns a text that fits, with an ellipsis in its middle where it was too long. */
function shortened(text, fits) {
  if (fits(text)) return text;
  let low = 0;
  let high = text.length;
  while (low < high) {
    const kept = Math.ceil((low + high) / 2);
    if (fits(middle(text, kept))) low = kept;
    else high = kept - 1;
  }
  return middle(text, low);
}

function middle(text, kept) {
  const head = Math.ceil(kept / 2);
  return `${text.slice(0, head)}…${text.slice(text.length - (kept - head))}`;
}

/** Returns `3 jobs`, `1 job`. */
function counted(number, word) {
  return `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;
}
