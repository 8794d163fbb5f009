"""What is said when a program of PostgreSQL fails."""

from pathlib import Path

from mlops_common.postgres.launch import failure
from mlops_common.postgres.placement import Place

INITDB = """\
creating subdirectories ... ok
running bootstrap script ...
FATAL:  could not open file "global/pg_control": No such file or directory
child process exited with exit code 1
initdb: removing contents of data directory "/home/x"
"""
WHY = 'FATAL:  could not open file "global/pg_control": No such file or directory'


def test_only_the_lines_of_a_program_that_say_why_are_told(tmp_path: Path) -> None:
    place = Place(tmp_path, None)

    said = failure(place, "PostgreSQL cannot make its data", INITDB)

    assert said == f"PostgreSQL cannot make its data in {place.data}:\n{WHY}"


def test_without_such_lines_the_last_ones_are_told(tmp_path: Path) -> None:
    lines = [f"line {number}" for number in range(9)]

    said = failure(Place(tmp_path, None), "It failed", "\n".join(lines))

    assert said.splitlines()[1:] == lines[-3:]


def test_the_log_is_named_where_the_server_wrote_it(tmp_path: Path) -> None:
    place = Place(tmp_path, None)
    place.log.write_text(f"LOG:  starting\n{WHY}\n", "utf-8")

    said = failure(place, "PostgreSQL did not start")

    assert said.endswith(f"; see {place.log}:\n{WHY}")


def test_a_log_that_is_not_there_hides_no_failure(tmp_path: Path) -> None:
    said = failure(Place(tmp_path, None), "PostgreSQL did not start")

    assert said.endswith("its log cannot be read: No such file or directory")


def test_a_home_that_was_deleted_meanwhile_is_told_as_such(tmp_path: Path) -> None:
    said = failure(Place(tmp_path / "postgres", None), "It failed", INITDB)

    assert said.endswith("/postgres was deleted meanwhile; run the command again")
