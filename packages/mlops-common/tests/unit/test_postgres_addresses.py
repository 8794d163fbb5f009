from pydantic import SecretStr

from mlops_common.postgres.database import Postgres
from mlops_common.sections import PostgresSettings


def test_parameters_of_an_external_server_are_those_of_the_settings() -> None:
    settings = PostgresSettings(
        host="db.example", port=6432, user="reader", password=SecretStr("s3")
    )

    assert Postgres(settings, None).parameters("sales") == {
        "host": "db.example",
        "port": 6432,
        "user": "reader",
        "dbname": "sales",
        "sslmode": "prefer",
        "password": "s3",
    }


def test_a_connection_string_quotes_what_it_must() -> None:
    settings = PostgresSettings(host="h", password=SecretStr("a 'b' \\c"))

    conninfo = Postgres(settings, None).conninfo()

    assert "password='a \\'b\\' \\\\c'" in conninfo


def test_no_password_is_invented() -> None:
    assert "password" not in Postgres(PostgresSettings(host="h"), None).conninfo()
