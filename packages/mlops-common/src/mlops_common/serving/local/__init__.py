"""Serving on this machine: a supervisor, model servers and a router for each service.

Whoever deploys calls `serving`, which writes what a service shall run to its folder
(`state`, `records`) and waits for it (`waiting`). The `supervisor` owns the port and
starts the programs (`programs`, `worker`, `child`): a model server for each version,
and the `router` while two versions share the requests (`entrance`, `assignment`).
"""
