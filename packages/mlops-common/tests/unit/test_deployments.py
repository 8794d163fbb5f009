from pathlib import Path

import pytest

from mlops_common import deployments
from mlops_common.deployments import Schedule, find, read
from mlops_common.errors import ConfigError, NotFoundError

CONTENT = """
pull: []
definitions:
  pool: &pool {name: other-pool}
deployments:
  - name: hourly
    entrypoint: "some.flows:detect"
    schedules:
      - {cron: "0 * * * *", timezone: Europe/Vienna}
      - {interval: 600, active: false}
    concurrency_limit: {limit: 2, collision_strategy: ENQUEUE}
    work_pool: *pool
  - name: plain
    entrypoint: some.flows.detect
    concurrency_limit: 1
    triggers:
      - type: sequence
        within: 60
        triggers:
          - {type: event, expect: [first]}
          - {type: event, expect: [second, third]}
      - {enabled: false, match: {prefect.resource.id: "some.*"}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "prefect.yaml"
    path.write_text(CONTENT, "utf-8")
    return path


def test_a_file_gives_its_deployments(file: Path) -> None:
    hourly, plain = read("uc9", file)

    assert hourly.name == "hourly"
    assert hourly.entrypoint == plain.entrypoint == "some.flows.detect"
    assert hourly.schedules == (
        Schedule(cron="0 * * * *", timezone="Europe/Vienna"),
        Schedule(interval=600, active=False),
    )
    assert (hourly.limit, plain.limit) == (2, 1)
    assert (hourly.pool, plain.pool) == ("other-pool", "local-pool")


def test_a_file_gives_the_events_that_start_a_deployment(file: Path) -> None:
    hourly, plain = read("uc9", file)

    assert hourly.triggers == ()
    assert [str(one) for one in plain.triggers] == [
        "on first, second, third",
        "on any event",
    ]
    assert [one.active for one in plain.triggers] == [True, False]


def test_a_use_case_with_two_deployments_is_asked_for_either(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployments, "installed", lambda: read("uc9", file))

    assert find("uc9").name == "hourly"
    assert find("uc9", "plain").name == "plain"
    with pytest.raises(NotFoundError, match="'nightly'; there are: hourly, plain"):
        find("uc9", "nightly")


def test_a_package_without_the_file_deploys_nothing(tmp_path: Path) -> None:
    assert read("uc9", tmp_path / "prefect.yaml") == ()


@pytest.mark.parametrize(
    "content", ["deployments: [{name: nameless}]", "- a list", "{"], ids=str
)
def test_a_file_that_declares_none_is_named(file: Path, content: str) -> None:
    file.write_text(content, "utf-8")

    with pytest.raises(ConfigError, match=str(file)):
        read("uc9", file)


def test_a_use_case_that_deploys_nothing_is_named() -> None:
    with pytest.raises(NotFoundError, match="uc99"):
        find("uc99")
