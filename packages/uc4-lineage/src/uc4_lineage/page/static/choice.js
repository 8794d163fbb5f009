// What is chosen, and what lights up because of it.

/** Returns the lights of nothing chosen: all is as it is. */
function noChoice() {
  return {
    nodes: new Map(),
    edges: new Map(),
    columns: new Map(),
    columnEdges: new Map(),
    dims: false,
  };
}

/** Returns what lights up: a column and its kin, the ways between two nodes, or a node and its kin. */
function choiceOf(model, { node, field, target }) {
  if (node === null) return noChoice();
  const choice = noChoice();
  choice.dims = true;
  if (target !== null) lightRoute(model, choice, node, target);
  else if (field !== null) lightColumn(model, choice, node, field);
  else lightKin(model, choice, node);
  choice.nodes.set(node, "focus");
  if (target !== null) choice.nodes.set(target, "focus");
  return choice;
}

function lightKin(model, choice, node) {
  const sides = { up: model.closure(node, "up"), down: model.closure(node, "down") };
  for (const [side, nodes] of Object.entries(sides)) {
    for (const other of nodes) choice.nodes.set(other, side);
    model.edges.forEach(({ tail, head }, index) => {
      if (nodes.has(tail) && nodes.has(head)) choice.edges.set(index, side);
    });
  }
}

function lightRoute(model, choice, start, end) {
  const nodes = model.between(start, end);
  for (const node of nodes) choice.nodes.set(node, "route");
  model.edges.forEach(({ tail, head }, index) => {
    if (nodes.has(tail) && nodes.has(head)) choice.edges.set(index, "route");
  });
}

function lightColumn(model, choice, node, field) {
  const start = columnKey(node, field);
  for (const side of ["up", "down"]) {
    for (const edge of model.columnClosure(start, side)) {
      choice.columnEdges.set(edge, side);
      for (const key of [edge.start, edge.end]) {
        choice.columns.set(key, side);
        choice.nodes.set(columnOf(key).node, side);
      }
      if (edge.job >= 0) choice.nodes.set(edge.job, side);
    }
  }
  choice.columns.set(start, "focus");
}

/** Returns the columns that each card shows: those asked for, and those that light up. */
function openRows(model, open, all, choice) {
  const lit = grouped([...choice.columns.keys()].map(columnOf), ({ node }) => node);
  return model.nodes.map(({ fields }, node) => {
    const names = fields.map(([name]) => name);
    const touched = (lit.get(node) ?? []).map(({ field }) => field);
    const whole = touched.includes("") ? [""] : [];
    if (!open.has(node)) return whole.concat(names.filter((name) => touched.includes(name)));
    if (all.has(node) || names.length <= FEW_ROWS) return whole.concat(names);
    const few = names.filter((name, i) => i < FEW_ROWS || touched.includes(name));
    return few.length < names.length ? whole.concat(few, ALL) : whole.concat(few);
  });
}

/** Says in a sentence what is chosen, for those who do not see it. */
function described(model, { node, field, target }, choice) {
  if (node === null) return "Nothing is chosen.";
  const { label, kind } = model.nodes[node];
  if (target !== null) {
    const other = model.nodes[target].label;
    const route = [...choice.nodes.values()].filter((light) => light === "route").length;
    if (!model.between(node, target).size) return `No path joins ${label} and ${other}.`;
    return `Path between ${label} and ${other}: ${counted(route, "node")} between them.`;
  }
  if (field !== null) {
    const count = (side) => [...choice.columns.values()].filter((light) => light === side).length;
    const name = field === "" ? "all columns" : oneLine(field);
    return `Column ${name} of ${label}: ${counted(count("up"), "column")} upstream, ${count("down")} downstream.`;
  }
  const up = model.closure(node, "up").size - 1;
  const down = model.closure(node, "down").size - 1;
  return `${label}, ${KINDS[kind]}: ${counted(up, "node")} upstream, ${down} downstream.`;
}
