"""Serving by KServe: InferenceServices that are applied, watched and shifted.

A version stands beside the promoted one in one of three styles, by what the cluster's
KServe can do. Where nothing was promoted yet, the first staged version has the stable
URL to itself, which nobody was told.

- *revisions* (Knative mode): the newest revision is the staged one, with
  `canaryTrafficPercent`; Knative keeps the one before. Discarding puts the promoted
  version's manifest back, held at 0 percent, so that no request ever reaches the
  discarded one while the new revision starts.
- *canary* (Standard mode, from KServe 0.20): an entry in `spec.canary` has its own
  Deployment. Promoting moves its predictor to the service, which restarts no pod.
  Requests are split by the Gateway API; without it a split is refused.
- *sibling* (Standard mode of an older KServe): the staged version is a service of its
  own, `<name>-staged`. It can be looked at and promoted, which replaces the pods one
  by one, but a split is refused: KServe would ignore it without a word.

Rolling back stages and promotes the earlier version anew in every style.
"""

from mlops_common.serving.kserve.serving import KserveServing

__all__ = ["KserveServing"]
