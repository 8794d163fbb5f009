"""Great Expectations: runs checks on batches and renders the Data Docs page."""

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from uc1_churn.validation.checks import Check
from uc1_churn.validation.data_docs import self_contained

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 5
MANY_ROWS = 500_000
RESULT_FORMAT = {"result_format": "SUMMARY", "partial_unexpected_count": MOST_ROWS}


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one check.

    Attributes:
        check: The check.
        success: Whether the table keeps the promise.
        count: Rows that break it, where it is about rows.
        total: Rows that were looked at.
        value: What was observed, where it is about the table.
        rows: Positions of up to 5 rows that break it, from 0.
        problem: Why it could not be evaluated; empty if it was.
    """

    check: Check
    success: bool
    count: int = 0
    total: int = 0
    value: Any = None
    rows: tuple[int, ...] = ()
    problem: str = ""


class Evaluation:
    """One validation run, batch by batch, in memory.

    Attributes:
        name: What is validated, for the page.
        findings: What became of the checks so far.
    """

    def __init__(self, name: str) -> None:
        os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
        import great_expectations as gx
        from great_expectations.data_context.types.base import (
            DataContextConfig,
            InMemoryStoreBackendDefaults,
            ProgressBarsConfig,
        )

        self.name = name
        self.findings: list[Finding] = []
        self._results: list[Any] = []
        self._version = gx.__version__
        # The default context would leave a folder `local_site` in the temp folder.
        stores = InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
        config = DataContextConfig(
            store_backend_defaults=stores,
            progress_bars=ProgressBarsConfig(globally=False),
            analytics_enabled=False,
        )
        self._context = gx.get_context(mode="ephemeral", project_config=config)

    def run(self, batch: "pd.DataFrame", checks: Sequence[Check]) -> None:
        """Evaluate checks on a batch whose index holds the rows' positions."""
        import great_expectations as gx
        import great_expectations.expectations as gxe

        expectations = [
            getattr(gxe, check.expectation)(
                **check.arguments,
                severity="warning" if check.warning else "critical",
                meta={"check": number},
            )
            for number, check in enumerate(checks)
        ]
        suite = gx.ExpectationSuite(name=self.name, expectations=expectations)
        with self._batch(batch) as opened:
            validation = opened.validate(suite, result_format=RESULT_FORMAT)
        self._results += validation.results
        self.findings += [_finding(checks, result) for result in validation.results]

    @contextmanager
    def _batch(self, batch: "pd.DataFrame") -> Iterator[Any]:
        """Open a batch, and let go of it in the end: its source would keep it."""
        sources = self._context.data_sources
        asset = sources.add_pandas(self.name).add_dataframe_asset(self.name)
        try:
            definition = asset.add_batch_definition_whole_dataframe("whole")
            yield definition.get_batch({"dataframe": batch})
        finally:
            sources.delete(self.name)
            # The batch, its source and its metrics refer to each other; a collection
            # takes 0.3 s, which small batches are not worth.
            if len(batch) > MANY_ROWS:
                gc.collect()

    def page(self, now: datetime) -> str:
        """Return the Data Docs page of all batches: one HTML file of the run `now`."""
        from great_expectations.core import ExpectationSuiteValidationResult
        from great_expectations.render.renderer.page_renderer import (
            ValidationResultsPageRenderer,
        )
        from great_expectations.render.view.view import DefaultJinjaPageView
        from great_expectations.validator.validation_statistics import (
            calc_validation_statistics,
        )

        statistics = calc_validation_statistics(self._results)
        merged = ExpectationSuiteValidationResult(
            success=statistics.success,
            results=self._results,
            suite_name=self.name,
            statistics=statistics._asdict(),
            meta={
                "great_expectations_version": self._version,
                "run_id": {"run_name": self.name, "run_time": now.isoformat()},
            },
        )
        view: Any = DefaultJinjaPageView()
        document = ValidationResultsPageRenderer().render(merged)
        return self_contained(view.render(document), f"Data Docs: {self.name}")


def _finding(checks: Sequence[Check], result: Any) -> Finding:
    found = result.result
    return Finding(
        check=checks[result.expectation_config.meta["check"]],
        success=bool(result.success),
        count=found.get("unexpected_count") or 0,
        total=found.get("element_count") or 0,
        value=found.get("observed_value"),
        rows=tuple(found.get("partial_unexpected_index_list") or ())[:MOST_ROWS],
        problem=_problem(result.exception_info or {}),
    )


def _problem(raised: Any) -> str:
    """Return what GX says of a check that it could not evaluate."""
    entries = [raised] if "raised_exception" in raised else list(raised.values())
    messages = [e["exception_message"] for e in entries if e.get("raised_exception")]
    return "; ".join(dict.fromkeys(str(message) for message in messages))
