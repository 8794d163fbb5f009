import os

import pytest

from uc1_churn.feature_repo.session import _unchanged

VARIABLE = "UC1_TEST_FOLDER"


@pytest.mark.parametrize("before", [None, "/of/the/caller"])
@pytest.mark.parametrize("during", [None, "/of/the/block"])
def test_a_variable_is_afterwards_as_it_was_before(
    before: str | None, during: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    if before is not None:
        monkeypatch.setenv(VARIABLE, before)

    with _unchanged(VARIABLE):
        os.environ.pop(VARIABLE, None)
        if during is not None:
            os.environ[VARIABLE] = during

    assert os.environ.get(VARIABLE) == before
