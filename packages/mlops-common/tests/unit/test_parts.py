"""What the parts of the platform are told and tell, without any of them running."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mlops_common import cli
from mlops_common.bootstrap import connect
from mlops_common.errors import NotFoundError
from mlops_common.orchestration.server.api import Api
from mlops_common.parts import catalogue
from mlops_common.parts.folder import Plan, PlatformFolder, Progress, Report
from mlops_common.parts.logs import log_of, shown
from mlops_common.parts.overview import Row, keeper, overview, row, versions
from mlops_common.parts.raising import decided
from mlops_common.ports import MLFLOW_PAGES
from mlops_common.processes import Identity
from mlops_common.refs import EndpointRef, ModelRef
from mlops_common.sections import KserveSettings, MlflowSettings, PostgresSettings
from mlops_common.serving.base import ServiceStatus
from mlops_common.settings import Settings


def names(home: Path, plan: Plan, **sections: PostgresSettings) -> list[str]:
    platform = connect(Settings.model_validate({"home": home, **sections}))
    return [part.name for part in catalogue.fixed(platform, plan)]


def test_a_home_runs_everything_that_is_not_configured_elsewhere(
    tmp_path: Path,
) -> None:
    all_of_it = ["postgres", "prefect-server", "mlflow", "worker"]
    cloud = "https://api.prefect.cloud/api/accounts/1"

    assert names(tmp_path, Plan()) == all_of_it
    assert names(tmp_path, Plan(prefect=cloud)) == ["postgres", "mlflow", "worker"]
    assert names(tmp_path, Plan(prefect=cloud, mlflow="http://ml")) == [
        "postgres",
        "worker",
    ]
    assert "postgres" not in names(
        tmp_path, Plan(), postgres=PostgresSettings(host="db")
    )


def test_a_part_waits_for_those_that_run_here(tmp_path: Path) -> None:
    platform = connect(Settings(home=tmp_path))

    def needs(plan: Plan) -> tuple[str, ...]:
        return list(catalogue.fixed(platform, plan))[-1].after

    assert needs(Plan()) == ("postgres", "prefect-server")
    assert needs(Plan(prefect="https://elsewhere")) == ("postgres",)


def test_a_cluster_keeps_its_services_when_a_home_goes_down(tmp_path: Path) -> None:
    cluster = KserveSettings(host="https://cluster.example")
    platform = connect(Settings(home=tmp_path, kserve=cluster))

    assert [part.name for part in catalogue.shared(platform)] == [
        "prefect-server",
        "postgres",
    ]


def test_what_is_configured_elsewhere_is_told_without_its_password(
    tmp_path: Path,
) -> None:
    api = Api("http://ann:hunter2@prefect.example/api")
    mlflow = MlflowSettings(tracking_uri="http://ann:hunter2@mlflow.example")
    platform = connect(Settings(home=tmp_path, mlflow=mlflow))

    plan, elsewhere = decided(platform, api)
    PlatformFolder(tmp_path).decide(plan)
    rows = {row.name: row for row in overview(platform)}

    assert elsewhere == api
    assert "hunter2" not in plan.model_dump_json()
    assert rows["prefect-server"].state == rows["mlflow"].state == "external"
    assert rows["prefect-server"].url == "http://ann:***@prefect.example/api"


def test_our_own_server_is_none_that_is_configured_elsewhere(
    tmp_path: Path,
) -> None:
    (tmp_path / "prefect").mkdir()
    (tmp_path / "prefect" / "port").write_text("4242", "utf-8")
    platform = connect(Settings(home=tmp_path))

    assert decided(platform, Api("http://127.0.0.1:4242/api")) == (Plan(), None)


def test_a_damaged_plan_or_report_hinders_nobody(tmp_path: Path) -> None:
    folder = PlatformFolder(tmp_path)
    folder.path.mkdir()
    for name in ("plan.json", "report.json"):
        (folder.path / name).write_text('{"keeper": ', "utf-8")

    assert folder.plan() is None
    assert folder.report() == folder.last_report() == Report()


def test_the_report_of_a_dead_keeper_is_not_believed(tmp_path: Path) -> None:
    folder = PlatformFolder(tmp_path)
    folder.decide(Plan())
    folder.tell(Report(keeper=1, parts={"worker": Progress(state="running")}))

    assert folder.report() == Report()
    assert folder.last_report().keeper == 1
    assert "mlops up" in keeper(folder, folder.report()).problem


@dataclass(frozen=True)
class Absent:
    """A part that does not run."""

    name = title = "absent"
    after = ()
    log: Path

    def identity(self) -> Identity | None:
        return None

    def port(self) -> int | None:
        return 80

    def url(self) -> str:
        return "http://absent"

    def healthy(self) -> bool:
        return False

    def answers(self) -> bool:
        return False

    def start(self) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""


def test_the_restarts_and_the_last_problem_of_a_part_are_told(tmp_path: Path) -> None:
    told = Progress(state="failed", restarts=3, problem="it died\nof thirst")

    found = row(Absent(tmp_path / "log"), Report(parts={"absent": told}))

    assert found == Row(
        name="absent",
        state="failed",
        restarts=3,
        problem="it died",
        log=str(tmp_path / "log"),
    )


def test_the_log_of_a_part_that_is_unknown_names_the_known() -> None:
    rows = [
        Row(name="worker", state="running", log="w"),
        Row(name="db", state="external"),
    ]

    assert log_of(rows, "worker") == Path("w")
    with pytest.raises(NotFoundError, match=r"no log of 'walker'; there are: worker$"):
        log_of(rows, "walker")


def test_a_log_is_followed_by_whole_lines_also_when_it_is_begun_anew(
    tmp_path: Path,
) -> None:
    log = tmp_path / "log"
    log.write_text("before\n", "utf-8")
    lines: Iterator[str] = shown(log, 1, follow=True)
    assert next(lines) == "before"

    def written(mode: str, text: str) -> str:
        with log.open(mode, encoding="utf-8") as stream:
            stream.write(text)
        return next(lines)

    assert written("w", "x\n") == "x"
    assert written("a", "one\ntw") == "one"
    assert written("a", "o\n") == "two"


def test_no_line_is_lost_between_the_end_of_a_log_and_what_follows(
    tmp_path: Path,
) -> None:
    log = tmp_path / "log"
    log.write_text("one\ntwo\nth", "utf-8")
    lines = shown(log, 1, follow=True)

    assert next(lines) == "two"
    with log.open("a", encoding="utf-8") as stream:
        stream.write("ree\nfour\n")
    assert [next(lines), next(lines)] == ["three", "four"]


@pytest.mark.parametrize(
    ("lines", "end"), [(0, []), (2, ["two", "th"]), (9, ["one", "two", "th"])]
)
def test_the_end_of_a_log_has_so_many_lines_and_the_one_that_is_not_whole(
    tmp_path: Path, lines: int, end: list[str]
) -> None:
    log = tmp_path / "log"
    log.write_text("one\ntwo\nth", "utf-8")

    assert [*shown(log, lines)] == end
    assert [*shown(tmp_path / "never-written", lines)] == []


def test_the_command_names_the_logs_that_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLOPS_HOME", str(tmp_path / "home"))

    with pytest.raises(SystemExit) as caught:
        cli.main(["logs", "walker"])

    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert "there are: keeper, postgres, prefect-server, mlflow, worker" in said


def test_the_detail_of_a_service_tells_the_share_of_its_canary() -> None:
    stable, canary = (
        EndpointRef(
            name="churn",
            url="http://127.0.0.1:8500",
            model=ModelRef(name="churn", version=n, run_id="", uri="", digest=""),
        )
        for n in (3, 4)
    )
    alone = ServiceStatus(running=True, endpoint=stable, staged=canary)

    assert versions(alone) == "version 3"
    assert versions(replace(alone, percent=10)) == (
        "version 3, 10 % of the requests to version 4"
    )


def test_the_platform_knows_where_its_own_server_shows_the_runs(tmp_path: Path) -> None:
    platform = connect(Settings(home=tmp_path))
    server = catalogue.mlflow_server(platform, ())

    assert server.remembered.file == tmp_path / MLFLOW_PAGES
