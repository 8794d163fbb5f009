"""Connections to PostgreSQL, embedded or external, and what may go wrong with them."""

import re
from urllib.parse import quote

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import make_conninfo

from mlops_common.errors import BackendError, ConfigError, MlopsError, NotFoundError
from mlops_common.files import has_room, no_room
from mlops_common.postgres.launch import SUPERUSER
from mlops_common.postgres.server import EmbeddedServer
from mlops_common.sections import PostgresSettings

MAINTENANCE = "postgres"
APPLICATION = "mlops"
FORBIDDEN = re.compile(
    r'role ".*" does not exist|pg_hba\.conf|permission denied for database'
)
UNPROTECTED = re.compile(r"certificate|SSL error|not support SSL|no encryption")
# asyncpg's dialect of SQLAlchemy names libpq's `sslmode` otherwise.
SSL_KEYWORD = {"asyncpg": "ssl"}


class Postgres:
    """One PostgreSQL server: the embedded one, or the one that the settings name.

    Attributes:
        settings: Where the server is.
        server: The embedded server; nothing when `settings.host` names another.
    """

    def __init__(
        self, settings: PostgresSettings, server: EmbeddedServer | None
    ) -> None:
        self.settings = settings
        self.server = server

    def parameters(self, database: str | None = None) -> dict[str, str | int]:
        """Return what a client needs, in libpq's words; starts the embedded server.

        Args:
            database: Name of the database; that of the settings when omitted.

        Returns:
            `host` (a host name or the folder of a socket), `port`, `user`, `dbname`,
            `sslmode` and, where they are set, `sslrootcert` and `password`: never log
            that one.
        """
        dbname = database or self.settings.database
        if self.server is not None:
            self.server.start()
            return {
                "host": str(self.server.socket_dir),
                "port": self.server.port,
                "user": SUPERUSER,
                "dbname": dbname,
                "sslmode": "disable",
            }
        settings = self.settings
        optional = {
            "sslrootcert": self._certificates(),
            "password": settings.secret(),
        }
        return {
            "host": settings.host or "localhost",
            "port": settings.port,
            "user": settings.user,
            "dbname": dbname,
            "sslmode": settings.sslmode,
            **{key: value for key, value in optional.items() if value is not None},
        }

    def conninfo(self, database: str | None = None, **session: str) -> str:
        """Return the connection string of libpq; it may hold the password.

        Args:
            database: Name of the database; that of the settings when omitted.
            session: Settings of the session, besides the timeout of its statements.
        """
        values = {key: str(value) for key, value in self.parameters(database).items()}
        timeout = f"{self.settings.statement_timeout}s"
        chosen = {"statement_timeout": timeout, **session}
        return make_conninfo(
            **values,
            connect_timeout=str(self.settings.connect_timeout),
            application_name=APPLICATION,
            options=" ".join(f"-c {name}={value}" for name, value in chosen.items()),
        )

    def sqlalchemy_url(self, database: str, driver: str = "psycopg2") -> str:
        """Return the URL of a database, which is created when absent.

        Args:
            database: Name of the database.
            driver: `psycopg2`, `psycopg` or `asyncpg`.

        Returns:
            A URL for SQLAlchemy; it may hold the password. A program that uses it with
            `asyncpg` needs the `variables` too.
        """
        self.ensure_database(database)
        values = {key: str(value) for key, value in self.parameters(database).items()}
        secret = values.get("password")
        login = quote(values["user"], safe="")
        login += "" if secret is None else f":{quote(secret, safe='')}"
        ssl = f"{SSL_KEYWORD.get(driver, 'sslmode')}={values['sslmode']}"
        if "sslrootcert" in values and driver not in SSL_KEYWORD:
            ssl += f"&sslrootcert={quote(values['sslrootcert'], safe='')}"
        host, port = values["host"], values["port"]
        if host.startswith("/"):
            place = f"/{database}?host={quote(host, safe='')}&port={port}&{ssl}"
        else:
            bracketed = f"[{host}]" if ":" in host else host
            place = f"{bracketed}:{port}/{database}?{ssl}"
        return f"postgresql+{driver}://{login}@{place}"

    @property
    def variables(self) -> dict[str, str]:
        """What a URL for asyncpg cannot say, as variables of the program that uses it.

        Raises:
            ConfigError: The file of certificates does not exist.
        """
        certificates = self._certificates()
        return {} if certificates is None else {"PGSSLROOTCERT": certificates}

    def connect(
        self, database: str | None = None, *, autocommit: bool = False
    ) -> psycopg.Connection:
        """Open a connection; use it as `with postgres.connect() as connection:`.

        Args:
            database: Name of the database; that of the settings when omitted.
            autocommit: Whether each statement commits by itself.

        Raises:
            ConfigError: The server does not accept the user or the password.
            NotFoundError: There is no such database.
            BackendError: The server cannot be reached or has no free connection.
        """
        try:
            return psycopg.connect(self.conninfo(database), autocommit=autocommit)
        except psycopg.OperationalError as error:
            problem = self._problem(str(error), database or self.settings.database)
            raise problem from error

    def check_room(self) -> None:
        """Complain before a table is written to a disk that is full.

        Only the embedded server's disk is ours to look at.

        Raises:
            BackendError: It has less room than a run needs.
        """
        if self.server is not None and not has_room(self.server.home):
            raise no_room(self.server.home)

    def ensure_database(self, name: str) -> None:
        """Create the database `name` unless it exists; safe in a race.

        Raises:
            ConfigError: The user may not create databases.
        """
        try:
            self.connect(name).close()
        except NotFoundError:
            self._create_database(name)

    def _create_database(self, name: str) -> None:
        with self.connect(MAINTENANCE, autocommit=True) as connection:
            try:
                connection.execute(
                    sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
                )
            except (errors.DuplicateDatabase, errors.UniqueViolation):
                return
            except errors.InsufficientPrivilege as error:
                raise ConfigError(
                    f"user {self.settings.user!r} may not create the database {name!r} "
                    f"on {self.address}; create it, or grant CREATEDB"
                ) from error

    @property
    def address(self) -> str:
        """`host:port` of the server, or the folder of the embedded one, for people."""
        if self.server is not None:
            return f"the embedded server in {self.server.home}"
        return f"{self.settings.host}:{self.settings.port}"

    def _certificates(self) -> str | None:
        """Return the file of certificates, which asyncpg and DuckDB fail to name."""
        file = self.settings.sslrootcert
        if file is None or self.server is not None:
            return None
        if not file.is_file():
            raise ConfigError(
                f"postgres.sslrootcert names no file: {file.absolute()}; expected the "
                "certificates, in PEM form, that sign the server's"
            )
        return str(file.absolute())

    def _problem(self, said: str, database: str) -> MlopsError:
        """Return our error for what libpq said, without its conninfo."""
        user = self.settings.user
        if "password authentication failed" in said or "no password supplied" in said:
            return ConfigError(
                f"{self.address} does not accept the password of user {user!r}; set "
                "postgres.password_file, or MLOPS_POSTGRES__PASSWORD "
                "(postgres.password)"
            )
        if re.search(r'database ".*" does not exist', said):
            return NotFoundError(
                f"no database {database!r} on {self.address}; create it, or set "
                "postgres.database"
            )
        if UNPROTECTED.search(said):
            return ConfigError(
                f"no safe connection to {self.address}: {_last(said)}; set "
                f"postgres.sslmode (now {self.settings.sslmode!r}) to what the server "
                "offers, and postgres.sslrootcert to the certificates that sign its own"
            )
        if FORBIDDEN.search(said):
            return ConfigError(
                f"{self.address} does not admit user {user!r} to database "
                f"{database!r}: {_last(said)}; set postgres.user, or GRANT CONNECT"
            )
        if self.server is not None:
            return BackendError(
                f"PostgreSQL, {self.address}, does not answer: {_last(said)}; try "
                f"again, and see its log if that fails: {self.server.log}"
            )
        return BackendError(
            f"PostgreSQL at {self.address} cannot be reached: {_last(said)}; check "
            "that it runs and that postgres.host and postgres.port are right, or "
            "remove postgres.host to use the embedded server"
        )


def _last(said: str) -> str:
    """Return the line of a message of libpq which tells the last reason."""
    lines = [line.strip() for line in said.strip().splitlines()]
    reasons = [line for line in lines if not line.startswith(("DETAIL:", "HINT:"))]
    return (reasons or lines or ["no reason given"])[-1]
