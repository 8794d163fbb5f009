// Permalinks: what is chosen, after the `#` of the address.

/** Returns the hash that names a selection; empty for none. */
function hashOf(model, { node, field, target, alone }) {
  if (node === null) return "";
  const values = new URLSearchParams({ node: model.nodes[node].id });
  if (field !== null) values.set("column", field);
  if (target !== null) values.set("to", model.nodes[target].id);
  if (alone) values.set("only", "1");
  return `#${values}`;
}

/** Reads a hash; what this graph does not have is left out. */
function selectionOf(model, hash) {
  const values = new URLSearchParams(hash.replace(/^#/, ""));
  const node = model.byId.get(values.get("node")) ?? null;
  const target = model.byId.get(values.get("to")) ?? null;
  const field = values.get("column");
  const known = node !== null && model.hasColumn(node, field);
  return {
    node,
    field: known ? field : null,
    target: node === null ? null : target,
    alone: node !== null && values.get("only") === "1",
    missing: values.has("node") && node === null ? values.get("node") : null,
  };
}
