import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import UTC, datetime

import pytest

from mlops_common.lineage.dataset import Dataset, columns, copied
from mlops_common.lineage.naming import stored
from mlops_common.lineage.observation import declared
from mlops_common.lineage.recording import (
    Recording,
    declares,
    executes,
    notes,
    reads,
    recording,
    writes,
)
from mlops_common.lineage.statement import Statement

A, B = Dataset(name=stored("/a.csv")), Dataset(name=stored("/b.csv"))


def fails() -> Dataset:
    raise OSError("no answer from http://ann:s3cret@db")


def test_what_is_said_is_heard_in_its_order() -> None:
    with recording() as said:
        reads(A, lambda: B)
        writes(lambda: [B, A])
        executes(lambda: Statement(query="SELECT 1"))
        notes("model", lambda: {"version": 3})
        declares(lambda: declared("serve", datetime(2026, 1, 31, tzinfo=UTC)))

    assert said.inputs == (A, B)
    assert said.outputs == (B, A)
    assert [statement.query for statement in said.statements] == ["SELECT 1"]
    assert said.facets == {"model": {"version": 3}}
    assert [job.job for job in said.declared] == ["serve"]


def test_where_nobody_listens_nothing_is_computed() -> None:
    reads(fails)
    writes(fails)
    notes("model", lambda: {"auc": 1 / 0})


def test_an_error_in_what_is_said_ends_no_run(caplog: pytest.LogCaptureFixture) -> None:
    with recording() as said, caplog.at_level(logging.WARNING):
        reads(A, fails, B)
        writes("no dataset")  # type: ignore[arg-type]

    assert said.inputs == (A, B)
    assert "stays unknown" in caplog.text
    assert "s3cret" not in caplog.text


def test_what_is_said_of_one_dataset_adds_up() -> None:
    with recording() as said:
        writes(
            A.model_copy(
                update={"rows": 3, "origins": copied(B.name, ["x"]), "version": "1"}
            )
        )
        writes(Dataset(name=A.name, version="2", origins=copied(B.name, ["y"])))

    (found,) = said.outputs
    assert (found.rows, found.version) == (3, "2")
    assert sorted(found.origins) == ["x", "y"]


def test_a_recording_within_hears_for_itself() -> None:
    with recording() as flow:
        reads(A)
        with recording() as task:
            reads(B)

    assert (flow.inputs, task.inputs) == ((A,), (B,))


def test_a_thread_with_the_context_of_a_run_is_heard() -> None:
    with recording() as said:
        context = copy_context()
        thread = threading.Thread(target=context.run, args=(reads, A))
        thread.start()
        thread.join()

    assert said.inputs == (A,)


def test_a_thread_of_a_pool_is_heard_by_the_run_that_listens() -> None:
    with recording() as whole, recording() as step, ThreadPoolExecutor() as pool:
        pool.submit(reads, A).result()
        pool.submit(writes, B).result()

    assert (step.inputs, step.outputs) == ((A,), (B,))
    assert whole.inputs == whole.outputs == ()


def test_a_thread_that_may_be_of_several_runs_is_heard_by_none_and_told_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard: list[Recording] = []

    def run(barrier: threading.Barrier) -> None:
        with recording() as said:
            barrier.wait()
            heard.append(said)
            barrier.wait()

    barrier = threading.Barrier(3)
    runs = [threading.Thread(target=run, args=(barrier,)) for _ in range(2)]
    for one in runs:
        one.start()
    barrier.wait()
    reads(A)  # in a thread that is of neither
    barrier.wait()
    for one in runs:
        one.join()

    assert [said.inputs for said in heard] == [(), ()]
    assert "copy_context" in caplog.text


def test_a_thread_that_outlives_its_run_is_heard_by_nobody() -> None:
    with recording() as said:
        pass

    reads(fails)

    assert said.inputs == ()


def test_what_is_noted_is_of_a_size_that_can_be_told() -> None:
    with recording() as said:
        notes("weights", {"all": [0.5] * 1_000_000})
        notes("text", {"all": "x" * 10_000_000})

    assert said.facets["weights"].keys() == {"stripped"}
    assert said.facets["text"].keys() == {"stripped"}


def test_columns_of_a_dataset_keep_their_order() -> None:
    names = [field.name for field in columns({"z": "int", "a": "text"})]

    assert names == ["z", "a"]


def test_a_run_that_says_too_much_says_how_much_more_there_was() -> None:
    with recording() as run:
        for number in range(1_200):
            reads(Dataset(name=stored(f"/data/{number}")))
            executes(Statement(query=f"SELECT {number}"))
            notes(f"note{number}", {"number": number})
        reads(Dataset(name=stored("/data/1"), rows=3))

    assert (len(run.inputs), len(run.statements)) == (1_000, 200)
    assert run.inputs[1].rows == 3
    more = {"datasets": 200, "statements": 1_000, "facets": 1_100}
    assert run.facets["left_out"] == more


def test_statements_are_kept_as_far_as_their_size_allows() -> None:
    with recording() as run:
        for _ in range(40):
            executes(Statement(query="x" * 60_000))

    assert len(run.statements) == 17
    assert run.facets["left_out"] == {"statements": 23}


def test_a_dataset_of_very_many_columns_keeps_the_first() -> None:
    names = [f"column{number}" for number in range(2_500)]
    wide = Dataset(
        name=stored("/a"),
        fields=columns(dict.fromkeys(names, "double")),
        origins=copied(stored("/b"), names),
    )

    assert [field.name for field in wide.fields] == names[:2_000]
    assert list(wide.origins) == names[:2_000]
    assert wide.facets["left_out"] == {"fields": 500, "origins": 500}
    assert Dataset.model_validate_json(wide.model_dump_json()) == wide
