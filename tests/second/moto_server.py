"""moto's server, with the two calls repaired without which its interpreter can't run our machines.

Both are where moto meets an API; nothing of how it goes from state to state is touched.

1. `startExecution.sync:2` takes its parameters as AWS spells them there (`StateMachineArn`) and gives
   its results so (`Output`); botocore spells both with a small first letter. moto's interpreter has the
   conversion and does not call it: 5.2.5 fails every such task with States.Runtime.
2. `SendTaskFailure` has a cause. The interpreter takes it, moto's front does not hand it on.

And one for speed: a client is made once for each service, not once for each task, which takes longer
than the task.
"""

import sys
import threading

import botocore.session
from moto.core.responses import EmptyResult
from moto.server import main
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_sfn,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task import (
    lambda_eval_utils,
)
from moto.stepfunctions.responses import StepFunctionResponse

STEP_FUNCTIONS = botocore.session.get_session().get_service_model("stepfunctions")
Task = state_task_service_sfn.StateTaskServiceSfn
input_as_text = Task._normalise_parameters


def operation(task, action):
    words = task._get_boto_service_action(action).split("_")
    return STEP_FUNCTIONS.operation_model("".join(word.capitalize() for word in words))


def normalise_parameters(
    self, parameters, boto_service_name=None, service_action_name=None
):
    input_as_text(self, parameters, boto_service_name, service_action_name)
    self._to_boto_request(parameters, operation(self, service_action_name).input_shape)


def normalise_response(
    self, response, boto_service_name=None, service_action_name=None
):
    self._from_boto_response(response, operation(self, service_action_name).output_shape)


def send_task_failure(self):
    self.stepfunction_backend.send_task_failure(
        self._get_param("taskToken"),
        error=self._get_param("error"),
        cause=self._get_param("cause"),
    )
    return EmptyResult()


make_client = lambda_eval_utils.boto_client_for
clients = {}
making = threading.Lock()


def client_for(region, service, state_credentials=None):
    with making:
        if (region, service) not in clients:
            clients[region, service] = make_client(
                region=region, service=service, state_credentials=state_credentials
            )
        return clients[region, service]


for module in (lambda_eval_utils, state_task_service_sfn):
    module.boto_client_for = client_for
Task._normalise_parameters = normalise_parameters
Task._normalise_response = normalise_response
StepFunctionResponse.send_task_failure = send_task_failure

if __name__ == "__main__":
    sys.exit(main())
