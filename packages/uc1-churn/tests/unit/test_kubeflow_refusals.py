import pytest
from kfp_server_api.exceptions import ApiException

from mlops_common.errors import BackendError, ConfigError, NotFoundError
from uc1_churn.training_backend.kubeflow.refusals import translated
from uc1_churn.training_backend.kubeflow.runs import Run, Task


def answered(status: int, body: str = "") -> ApiException:
    error = ApiException(status=status, reason="reason")
    error.body = body
    return error


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (302, ConfigError, "login page"),
        (400, ConfigError, "check the section kubeflow"),
        (401, ConfigError, "kubeflow.token_file"),
        (403, ConfigError, "may create runs in kubeflow.namespace"),
        (404, NotFoundError, "check kubeflow.host"),
        (429, BackendError, "cannot submit"),
        (503, BackendError, "cannot submit"),
    ],
)
def test_an_answer_says_whether_asking_again_helps(
    status: int, kind: type[Exception], said: str
) -> None:
    error = translated("http://kfp", "submit the run", answered(status))

    assert type(error) is kind
    assert said in str(error)


def test_the_words_of_the_server_are_passed_on() -> None:
    error = answered(400, '{"code": 3, "message": "Invalid input error: no root"}')

    assert "Invalid input error: no root" in str(translated("http://kfp", "x", error))


def test_an_answer_of_a_proxy_is_shown_in_part() -> None:
    told = str(translated("http://kfp", "x", answered(502, "<html>" + "z" * 1000)))

    assert "502 reason: <html>" in told
    assert len(told) < 500


def test_a_certificate_that_nobody_vouches_for_names_the_setting() -> None:
    error = ApiException(status=0, reason="SSLError\n[SSL: CERTIFICATE_VERIFY_FAILED]")

    with pytest.raises(ConfigError, match=r"kubeflow\.ca_file"):
        raise translated("https://kfp", "list the runs", error)


def test_a_run_names_the_component_that_failed_and_not_its_pod() -> None:
    names = ("root", "register-model", "executor")
    tasks = tuple(Task(name, "FAILED", "", "") for name in names)
    run = Run("1", "FAILED", "", "", (Task("fit-model", "SUCCEEDED", "", ""), *tasks))

    assert run.culprit(["fit-model", "register-model"]) == "register-model"
    assert run.culprit([]) == "executor"
    assert Run("1", "FAILED", "", "", ()).culprit([]) == "of unknown name"


def test_only_a_run_that_may_still_end_well_is_live() -> None:
    states = ("", "PENDING", "RUNNING", "PAUSED", "CANCELING", "CANCELED", "FAILED")
    runs = [Run("1", state, "", "", ()) for state in states]

    assert [run.live for run in runs] == [True, True, True, True, False, False, False]
