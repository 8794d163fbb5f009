// Search: suggestions while one types, by mouse or by keys.

const MOST = 10; // suggestions

/** The search box, a combobox as WAI-ARIA describes it. */
class Search {
  constructor(input, list, model, choose) {
    Object.assign(this, { input, list, model, choose, found: [], active: -1 });
    this.words = model.nodes.map(({ label, name, space, kind, fields }) => ({
      label: label.toLowerCase(),
      name: oneLine(name).toLowerCase(),
      place: `${space} ${kind}`.toLowerCase(),
      fields: fields.map(([name]) => name.toLowerCase()),
    }));
    input.addEventListener("input", () => this.suggest());
    input.addEventListener("focus", () => this.suggest());
    input.addEventListener("blur", () => this.close());
    input.addEventListener("keydown", (event) => this.key(event));
  }

  /** Returns how well a node answers a query; 0: not at all. */
  rank(node, query) {
    const { label, name, place, fields } = this.words[node];
    if (name === query || label === query) return 100;
    const parts = query.split(/\s+/);
    const every = (text) => parts.every((part) => text.includes(part));
    if (name.startsWith(query) || label.startsWith(query)) return 80;
    if (name.split(/[._/\- ]/).some((word) => word.startsWith(query))) return 60;
    if (every(name)) return 40;
    if (every(`${name} ${place}`)) return 20;
    return fields.some((field) => field.includes(query)) ? 10 : 0;
  }

  suggest() {
    const query = this.input.value.trim().toLowerCase();
    if (!query) {
      this.close();
      return;
    }
    const ranked = this.words
      .map((_, node) => [this.rank(node, query), node])
      .filter(([rank]) => rank > 0);
    ranked.sort(
      ([a, one], [b, other]) =>
        b - a || this.words[one].name.length - this.words[other].name.length || one - other,
    );
    this.found = ranked.slice(0, MOST).map(([, node]) => node);
    const options = this.found.map((node, i) => this.option(node, i, query));
    const rest = ranked.length - options.length;
    const note =
      rest > 0 ? `${rest} more; type on` : ranked.length ? "" : "Nothing has such a name.";
    this.list.replaceChildren(
      ...options,
      note ? element("li", { class: "soft", role: "presentation" }, note) : "",
    );
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.activate(this.found.length ? 0 : -1);
  }

  option(node, i, query) {
    const { name, space, kind, fields } = this.model.nodes[node];
    const field =
      this.rank(node, query) === 10
        ? fields.find(([name]) => name.toLowerCase().includes(query))
        : null;
    const note = field ? `column ${oneLine(field[0])}` : oneLine(space);
    const text = element("span", {}, element("bdi", {}, oneLine(name)), element("small", {}, note));
    const option = element(
      "li",
      { role: "option", id: `option-${i}`, "aria-selected": "false" },
      icon(kind),
      text,
    );
    option.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      this.take(i);
    });
    return option;
  }

  activate(i) {
    this.active = i;
    [...this.list.querySelectorAll("[role=option]")].forEach((option, place) => {
      option.setAttribute("aria-selected", String(place === i));
      if (place === i) option.scrollIntoView({ block: "nearest" });
    });
    if (i >= 0) this.input.setAttribute("aria-activedescendant", `option-${i}`);
    else this.input.removeAttribute("aria-activedescendant");
  }

  key(event) {
    const moves = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in moves && this.found.length) {
      event.preventDefault();
      const count = this.found.length;
      this.activate((this.active + moves[event.key] + count) % count);
    } else if (event.key === "Enter" && this.active >= 0) {
      event.preventDefault();
      this.take(this.active);
    } else if (event.key === "Escape") {
      this.input.value = "";
      this.input.blur();
    }
    event.stopPropagation();
  }

  take(i) {
    const node = this.found[i];
    this.input.value = "";
    this.close();
    this.choose(node);
  }

  close() {
    this.list.hidden = true;
    this.found = [];
    this.activate(-1);
    this.input.setAttribute("aria-expanded", "false");
  }
}
