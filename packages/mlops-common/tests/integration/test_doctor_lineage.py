"""What `mlops doctor` tells of the place where lineage is kept."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from mlops_common.bootstrap import Platform
from mlops_common.errors import BackendError, ConfigError
from mlops_common.lineage.health import DATABASE, examine
from mlops_common.ports import free_port
from mlops_common.postgres.database import Postgres
from mlops_common.sections import LineageSettings, PostgresSettings
from mlops_common.settings import Settings
from mlops_common.testing.canned import canned
from mlops_common.testing.external_postgres import external_postgres

# What Marquez says to a question without a node.
MARQUEZ = {
    "/api/v1/lineage": (400, {"errors": ["query param nodeId must not be null"]})
}
KEY = "hunter2"


@pytest.fixture
def embedded(tmp_path: Path) -> Postgres:
    return Platform(Settings(home=tmp_path)).postgres


def test_tables_of_this_machine_are_embedded_and_not_made_for_the_examination(
    embedded: Postgres,
) -> None:
    health = examine(LineageSettings(), embedded)

    assert health.state == "embedded"
    assert health.facts == ("starts when it is needed",)
    assert embedded.server is not None
    assert not embedded.server.running()


def test_a_receiver_that_admits_us_takes_events(embedded: Postgres) -> None:
    with canned(MARQUEZ, authorization=f"Bearer {KEY}") as url:
        settings = LineageSettings(url=f"{url}/", api_key=SecretStr(KEY))
        health = examine(settings, embedded)

    assert health.state == "ok"
    assert health.facts == ("starts when it is needed", "takes events")
    assert health.where.endswith(f"; {url}/api/v1/lineage")


def test_a_receiver_alone_needs_no_tables(embedded: Postgres) -> None:
    with canned(MARQUEZ) as url:
        health = examine(LineageSettings(url=url, embedded=False), embedded)

    assert health.facts == ("takes events",)


def test_a_key_that_is_not_accepted_names_the_setting(embedded: Postgres) -> None:
    with (
        canned(MARQUEZ, authorization="Bearer other") as url,
        pytest.raises(ConfigError, match=r"MLOPS_LINEAGE__API_KEY") as caught,
    ):
        examine(LineageSettings(url=url, api_key=SecretStr(KEY)), embedded)

    assert KEY not in str(caught.value)


def test_an_address_that_takes_no_events_is_told(embedded: Postgres) -> None:
    with (
        canned({}) as url,
        pytest.raises(ConfigError, match=r"lineage\.url and lineage\.endpoint"),
    ):
        examine(LineageSettings(url=url), embedded)


@pytest.mark.parametrize(
    ("status", "said"), [(500, "answers 500"), (503, "answers 503")]
)
def test_a_receiver_that_fails_is_down(
    embedded: Postgres, status: int, said: str
) -> None:
    with (
        canned({"/api/v1/lineage": (status, {})}) as url,
        pytest.raises(BackendError, match=said),
    ):
        examine(LineageSettings(url=url), embedded)


def test_a_receiver_that_is_away_is_down(embedded: Postgres) -> None:
    url = f"http://ann:{KEY}@127.0.0.1:{free_port()}"

    with pytest.raises(BackendError, match="cannot be reached") as caught:
        examine(LineageSettings(url=url), embedded)

    assert KEY not in str(caught.value)


def test_events_that_would_go_nowhere_are_a_mistake(embedded: Postgres) -> None:
    with pytest.raises(ConfigError, match="events go nowhere"):
        examine(LineageSettings(embedded=False), embedded)


def test_lineage_that_is_switched_off_is_no_mistake(embedded: Postgres) -> None:
    health = examine(LineageSettings(enabled=False, embedded=False), embedded)

    assert health.state == "embedded"
    assert "switched off" in health.facts[0]


@pytest.fixture(scope="module")
def external() -> Iterator[PostgresSettings]:
    with external_postgres() as settings:
        yield settings


def limited(admin: Postgres, settings: PostgresSettings, role: str) -> Postgres:
    """Return the server as it admits a user who may make nothing."""
    with admin.connect("postgres", autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{KEY}'".encode())
    own = {"user": role, "password": SecretStr(KEY)}
    return Postgres(settings.model_copy(update=own), None)


@pytest.mark.cluster
def test_tables_of_a_server_are_looked_at(external: PostgresSettings) -> None:
    admin = Postgres(external, None)
    before = examine(LineageSettings(), admin)
    admin.ensure_database(DATABASE)
    stranger = limited(admin, external, "stranger")

    missing = examine(LineageSettings(), stranger)
    with admin.connect(DATABASE) as connection:
        connection.execute("CREATE SCHEMA lineage")
        connection.execute("CREATE TABLE lineage.events (id bigint)")
    made, unwritable = (
        examine(LineageSettings(), admin),
        examine(LineageSettings(), stranger),
    )

    assert before.facts == missing.facts == ("made by the first event",)
    assert missing.state == unwritable.state == "degraded"
    assert "GRANT CREATE ON DATABASE mlops" in missing.remedies[0]
    assert (made.state, made.facts) == ("ok", ("tables are made",))
    assert "ALL ON ALL TABLES" in unwritable.remedies[0]
