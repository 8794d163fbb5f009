"""The run key: the same for the same content until its version was dealt with.

A run that was killed between two steps finds by it the version that it registered. A
run on purpose over the same data and params, after one that came to its end, is
another attempt and trains anew.
"""

import hashlib
import itertools

from mlops_common.bootstrap import Platform
from mlops_common.errors import NotFoundError
from mlops_common.refs import DatasetRef
from uc1_churn.config import ChurnParams
from uc1_churn.training_backend import outcome


def run_key(
    platform: Platform, dataset: DatasetRef, params: ChurnParams, code: str
) -> str:
    """Return the key of the first attempt at this content that is not over.

    Args:
        platform: Where `outcome` leaves its marks, and where versions are registered.
        dataset: The training table.
        params: Of the run.
        code: What `provenance.code_digest` says.

    Examples:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from mlops_common.bootstrap import connect
        >>> from mlops_common.settings import Settings
        >>> platform = connect(Settings(home=Path(tempfile.mkdtemp())))
        >>> table = DatasetRef(name="d", key="k", digest="ab", rows=1)
        >>> first = run_key(platform, table, ChurnParams(), "c0de")
        >>> run_key(platform, table, ChurnParams(), "c0de") == first
        True
        >>> outcome.finish(platform.objects, first)
        >>> run_key(platform, table, ChurnParams(), "c0de")[-2:]
        '-2'
    """
    content = f"{dataset.name}\n{dataset.digest}\n{params.model_dump_json()}\n{code}"
    digest = hashlib.sha256(content.encode()).hexdigest()[:16]
    keys = (f"{params.model_name}-{digest}-{n}" for n in itertools.count(1))
    return next(key for key in keys if not _over(platform, key))


def _over(platform: Platform, key: str) -> bool:
    """Whether nothing is to be done for a key, or its version was deleted."""
    if outcome.finished(platform.objects, key):
        return True
    model = outcome.kept(platform.objects, key)
    if model is None:
        return False
    try:
        known = platform.tracking.version(model.name, model.version)
    except NotFoundError:
        return True
    return known.digest != model.digest
