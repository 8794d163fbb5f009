"""Links of a trace to pages that somebody must show."""

from pathlib import Path

from mlops_common.bootstrap import Platform
from mlops_common.ports import free_port
from mlops_common.sections import MlflowSettings
from mlops_common.settings import Settings
from mlops_common.testing.canned import canned
from uc4_lineage.trace.steps import tracking


def known(url: str) -> dict[str, str]:
    return {"run_id": "r", "page": f"{url}/#/experiments/4/runs/r"}


def test_a_page_that_nobody_shows_comes_with_what_shows_it(tmp_path: Path) -> None:
    platform = Platform(Settings(home=tmp_path))

    run, _ = tracking(platform, known(f"http://127.0.0.1:{free_port()}"))

    assert run.note == "`mlops up` shows its page"


def test_a_page_that_is_shown_needs_no_word(tmp_path: Path) -> None:
    platform = Platform(Settings(home=tmp_path))

    with canned({}) as url:
        run, experiment = tracking(platform, known(url))

    assert (run.link, run.note) == (known(url)["page"], "")
    assert experiment.link == f"{url}/#/experiments/4"


def test_a_server_of_others_is_not_ours_to_start(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    mlflow = MlflowSettings(tracking_uri=url)

    run, _ = tracking(Platform(Settings(home=tmp_path, mlflow=mlflow)), known(url))

    assert run.note == ""
