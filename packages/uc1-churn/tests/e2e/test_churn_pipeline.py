"""The pipeline from end to end, on real embedded parts and a Prefect server."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from urllib.request import Request, urlopen

import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from psycopg import sql

from mlops_common.bootstrap import Platform
from mlops_common.errors import NotFoundError, RefusedError
from mlops_common.processes import wait_until
from mlops_common.simulation import true_probability
from uc1_churn.config import CUSTOMERS
from uc1_churn.evaluation import metrics
from uc1_churn.result import ChurnResult

Run = Callable[..., ChurnResult]
ALIAS = "champion"
RESUMED = "resumed-churn"
ONLINE_TABLES = """
SELECT table_name FROM information_schema.columns
WHERE column_name = 'entity_key' AND table_schema = 'public'
"""
FORGET_AGE = """
CREATE FUNCTION forget_age() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.feature_name = 'age' THEN RETURN NULL; END IF;
    RETURN NEW;
END $$
"""
DELETE_AGE = "DELETE FROM {} WHERE feature_name = 'age'"
TRIGGER = (
    "CREATE TRIGGER forget_age BEFORE INSERT OR UPDATE ON {} "
    "FOR EACH ROW EXECUTE FUNCTION forget_age()"
)
LEAST_REPORT, MOST_REPORT = 50_000, 1_000_000  # bytes


def champion_version(platform: Platform, result: ChurnResult) -> int:
    return platform.tracking.resolve(result.model.name, ALIAS).version


def posted(curl: str) -> dict[str, object]:
    """Ask what the printed curl line asks, without needing curl itself."""
    words = shlex.split(curl)
    assert words[:2] == ["curl", "-s"]
    data = words[words.index("-d") + 1].encode()
    with urlopen(Request(words[2], data=data), timeout=30) as answer:  # noqa: S310 - loopback
        value: dict[str, object] = json.load(answer)
    return value


def test_the_printed_curl_line_is_answered_with_a_probability(
    first: ChurnResult,
) -> None:
    answer = posted(first.curl)

    predictions = answer["predictions"]
    assert isinstance(predictions, list)
    assert 0 < predictions[0] < 1


def test_both_protocols_and_the_metrics_answer(first: ChurnResult) -> None:
    url, name = first.endpoint.url, first.endpoint.name
    for path in ("/v2/health/ready", f"/v2/models/{name}", f"/v1/models/{name}"):
        with urlopen(f"{url}{path}", timeout=30) as answer:  # noqa: S310 - loopback
            assert answer.status == 200
    with urlopen(f"{url}/metrics", timeout=30) as answer:  # noqa: S310 - loopback
        assert b"request_predict_seconds" in answer.read()


def test_the_version_names_its_dataset_and_commit(
    platform: Platform, first: ChurnResult
) -> None:
    tags = platform.tracking.tags(first.model)

    assert first.dataset.revision == "customers@v1"
    assert tags["dataset"] == first.dataset.revision
    assert tags["git_commit"]
    assert champion_version(platform, first) >= first.model.version


def test_the_dataset_revision_is_approved_and_can_be_read_by_name(
    platform: Platform, first: ChurnResult
) -> None:
    validated = platform.datasets.revision("customers")

    assert validated.digest == first.dataset.digest
    assert pq.read_metadata(platform.datasets.path(validated)).num_rows == (
        first.dataset.rows
    )


def test_the_model_comes_near_the_best_that_the_truth_allows(
    platform: Platform, first: ChurnResult
) -> None:
    table = pq.read_table(platform.datasets.path(first.dataset))
    truth = metrics.tally(table["churn"].to_numpy(), true_probability(table))

    assert first.metrics["roc_auc"].value > metrics.roc_auc(truth) - 0.06


def test_the_target_list_is_ranked_and_the_same_in_both_files(
    platform: Platform, first: ChurnResult
) -> None:
    listed = pyarrow.csv.read_csv(first.targets.csv)
    with platform.objects.open(first.targets.parquet) as stream:
        stored = pq.read_table(stream)

    assert stored.num_rows == listed.num_rows == first.targets.rows
    assert stored.column_names == [
        "rank",
        "customer_id",
        "probability",
        "expected_value",
    ]
    chances = stored["probability"].to_pylist()
    assert chances == sorted(chances, reverse=True)
    assert min(stored["expected_value"].to_pylist()) > 0
    assert len(set(stored["customer_id"].to_pylist())) == first.targets.rows


def test_the_report_is_one_small_file_with_pictures(first: ChurnResult) -> None:
    text = first.report.read_text("utf-8")

    assert LEAST_REPORT < len(text.encode()) < MOST_REPORT
    assert text.count('src="data:image/png;base64,') == 5
    assert first.endpoint.url in text


def test_the_report_leads_to_the_data_docs_of_its_dataset(first: ChurnResult) -> None:
    text = first.report.read_text("utf-8")

    (link,) = re.findall(r'href="file://([^"]*)"', text)
    assert first.dataset.digest in link
    assert "Expectation" in Path(unquote(link)).read_text("utf-8")


def test_what_the_endpoint_answers_is_logged(
    platform: Platform, first: ChurnResult
) -> None:
    answer = posted(first.curl)
    query = (
        "SELECT model_version, probability, features, entity "
        "FROM serving.predictions WHERE service = %s AND request_id = %s"
    )

    def logged() -> list[tuple[Any, ...]]:
        with platform.postgres.connect("mlops") as connection:
            return connection.execute(
                query, (first.model.name, answer["id"])
            ).fetchall()

    assert wait_until(lambda: logged() != [], 60)
    [(version, probability, features, entity)] = logged()
    assert str(version) == answer["model_version"]
    assert [probability] == answer["predictions"]
    assert features.keys() == {
        *(CUSTOMERS.numeric or ()),
        *(CUSTOMERS.categorical or ()),
    }
    assert f'"customer_id":{entity}' in first.curl


def test_the_same_data_make_no_second_revision_and_the_url_stays(
    platform: Platform, first: ChurnResult, run: Run
) -> None:
    second = run()

    assert second.dataset == first.dataset
    assert platform.datasets.revisions("customers") == ["v1"]
    assert second.model.version > first.model.version
    assert second.endpoint.url == first.endpoint.url
    assert second.decision is not None
    assert second.decision.comparison is not None
    # The same rows, params and seed give the same model.
    assert second.decision.comparison.value == 0


def test_a_worse_challenger_is_refused_and_the_champion_stays(
    platform: Platform, first: ChurnResult, run: Run
) -> None:
    before = champion_version(platform, first)

    with pytest.raises(RefusedError, match="gate refused the new model") as caught:
        run(training={"trees": 1, "leaves": 2}, gate={"min_roc_auc": 0.0})

    assert caught.value.evidence["ROC AUC difference"] < 0
    page = Path(caught.value.evidence["report"].removeprefix("file://"))
    assert "refused" in page.read_text("utf-8")
    assert champion_version(platform, first) == before
    assert platform.serving.endpoint(first.model.name).model.version == before
    posted(first.curl)


def test_without_training_the_champion_is_served_again(
    platform: Platform, first: ChurnResult, run: Run
) -> None:
    before = champion_version(platform, first)

    result = run(skip_training=True)

    assert result.model.version == before
    assert result.decision is None
    posted(result.curl)


def test_without_training_an_unknown_alias_is_named(run: Run) -> None:
    with pytest.raises(NotFoundError, match="nobody"):
        run(skip_training=True, gate={"champion_alias": "nobody"})


def test_a_run_killed_at_work_hinders_nothing(
    platform: Platform, first: ChurnResult, run: Run
) -> None:
    before = champion_version(platform, first)
    # The steps after it were done for the same content, and are skipped up to training.
    killed_when("Version")

    posted(first.curl)
    assert run(skip_training=True).model.version == before


def killed_when(line: str, *words: str) -> None:
    """Run the pipeline, and kill it once it says that a step is done."""
    command = [sys.executable, "-m", "uc1_churn.flows.churn_pipeline", *words]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for said in process.stderr:
            if line in said:
                process.kill()
                break
    assert process.returncode < 0


@pytest.mark.parametrize(
    ("seed", "line"),
    [(11, "Train through Kubeflow Pipelines"), (12, "Rank the target list")],
    ids=["between train and judge", "between deploy and report"],
)
def test_a_run_killed_after_training_is_resumed_and_trains_no_second_version(
    platform: Platform, first: ChurnResult, run: Run, seed: int, line: str
) -> None:
    # A model of its own, so that no other test meets a champion of these seeds.
    assert first.model.name != RESUMED
    newest = platform.tracking.find(RESUMED, {})
    words = (
        f"model_name={RESUMED}",
        f"training.seed={seed}",
        "training.bootstrap_replicates=100",
        "gate.tolerance=0.9",
    )
    killed_when(line, *(word for pair in words for word in ("--set", pair)))

    resumed = run(model_name=RESUMED, training={"seed": seed}, gate={"tolerance": 0.9})

    assert resumed.model.version == (newest.version if newest else 0) + 1
    assert platform.tracking.find(RESUMED, {}) == resumed.model
    assert platform.tracking.resolve(RESUMED, ALIAS) == resumed.model
    posted(resumed.curl)


def lose_ages(platform: Platform) -> None:
    """Let the online store forget every age, and take no new one."""
    with platform.postgres.connect("feast") as connection:
        connection.execute(FORGET_AGE)
        for (name,) in connection.execute(ONLINE_TABLES).fetchall():
            table = sql.Identifier(name)
            connection.execute(sql.SQL(DELETE_AGE).format(table))
            connection.execute(sql.SQL(TRIGGER).format(table))


def test_features_that_differ_online_stop_the_deploy(
    platform: Platform, first: ChurnResult, run: Run
) -> None:
    before = platform.serving.endpoint(first.model.name)
    lose_ages(platform)
    try:
        with pytest.raises(RefusedError, match="'age'") as caught:
            run(skip_training=True)
    finally:
        with platform.postgres.connect("feast") as connection:
            connection.execute("DROP FUNCTION forget_age CASCADE")

    assert caught.value.evidence["column"] == "age"
    assert platform.serving.endpoint(first.model.name) == before
    assert platform.serving.status(first.model.name).staged is None
    posted(first.curl)
