import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa

from mlops_common.refs import DatasetRef, EndpointRef, ModelRef
from uc1_churn.config import EconomicsParams
from uc1_churn.evaluation.holdout import TITLES, Curves, Estimate, Evaluation
from uc1_churn.gate import Check, Decision
from uc1_churn.reporting import report
from uc1_churn.reporting.findings import Findings, page
from uc1_churn.result import TargetList

PNG = b"\x89PNG"
MODEL = ModelRef(
    name="churn-predictor", version=3, run_id="r", uri="file:///m", digest="d"
)
DECISION = Decision(
    checks=(Check(name="ROC AUC", value=0.64, limit=0.7, at_least=True),)
)


def findings(decision: Decision | None = DECISION) -> Findings:
    estimate = Estimate(value=0.8, low=0.7, high=0.9)
    empty = Curves(roc=(), precision_recall=(), reliability=(), profit=())
    return Findings(
        dataset=DatasetRef(
            name="c", key="k", digest="d", rows=1000, revision="<script>@v1"
        ),
        model=MODEL,
        tags={"git_commit": "abc"},
        evaluation=Evaluation(
            rows=100,
            customers=90,
            churned=10,
            confidence=0.95,
            metrics=dict.fromkeys(TITLES, estimate),
            threshold=0.25,
            offers=40,
            curves=empty,
        ),
        pictures={"roc.png": PNG},
        decision=decision,
        economics=EconomicsParams(),
        made=datetime(2026, 5, 1, tzinfo=UTC),
        docs="file:///home/validation/c/d.html",
    )


def deployed(decision: Decision | None = DECISION) -> Findings:
    endpoint = EndpointRef(name="churn", url="http://127.0.0.1:9", model=MODEL)
    targets = TargetList(rows=7, expected_value=99.0, parquet="p", csv=Path("t.csv"))
    listed = pa.table({"rank": [1], "id": ["a<b"], "expected_value": [9.87654]})
    return findings(decision).deployed(endpoint, "curl -s x", targets, listed)


def test_values_are_escaped() -> None:
    text = report.render(page(deployed()))

    assert "<script>" not in text
    assert "a&lt;b" in text


def test_the_page_needs_no_other_file() -> None:
    text = report.render(page(deployed()))

    sources = re.findall(r'src="([^"]*)"', text)
    assert sources
    assert "<link" not in text
    assert all(source.startswith("data:") for source in sources)
    assert "url(" not in text


def test_the_page_links_the_data_docs_of_its_dataset() -> None:
    text = report.render(page(findings()))

    assert re.findall(r'href="([^"]*)"', text) == ["file:///home/validation/c/d.html"]


def test_an_address_that_no_browser_opens_is_told_and_no_link() -> None:
    for address in ("s3://bucket/validation/c/d.html", "javascript:alert(1)"):
        text = report.render(page(replace(findings(), docs=address)))

        assert address in text
        assert "href=" not in text


def test_the_page_is_well_formed() -> None:
    open_tags: list[str] = []

    class Checker(HTMLParser):
        def handle_starttag(  # type: ignore[override]
            self, tag: str, _attrs: list[object]
        ) -> None:
            if tag not in {"meta", "img"}:
                open_tags.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert open_tags.pop() == tag

    Checker().feed(report.render(page(deployed())))

    assert open_tags == []


def test_a_refused_version_says_so_and_offers_no_endpoint() -> None:
    shown = page(findings())

    assert shown.refused
    assert shown.verdict == "refused"
    assert [check.passed for check in shown.checks] == [False]
    assert not shown.curl
    assert not shown.targets


def test_a_deployed_version_shows_where_it_answers() -> None:
    shown = page(deployed())

    assert shown.verdict == "promoted"
    assert "http://127.0.0.1:9" in shown.explanation
    assert shown.targets == (("1", "a<b", "9.877"),)


def test_a_run_without_training_says_that_the_champion_serves() -> None:
    assert page(deployed(decision=None)).verdict == "champion serves"


def test_every_metric_comes_with_its_interval() -> None:
    shown = page(deployed())

    assert [metric.name for metric in shown.metrics] == list(TITLES.values())
    assert shown.metrics[0].interval == "0.7000 to 0.9000"


def test_the_page_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = report.write(page(deployed()), tmp_path / "reports" / "page.html")

    assert path.read_text("utf-8").endswith("</html>")
    assert [file.name for file in path.parent.iterdir()] == ["page.html"]
