//! The real handlers, built as their `main.rs` builds them, with the local HTTP layer beneath.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use aws_types::SdkConfig;
use lambda_runtime::Diagnostic;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tidegate_lambda::FunctionError;
use tidegate_lambda::config::{ConfigError, Lookup};

use crate::cloud::{Failure, Shared, sdk_config};
use crate::http::InProcess;
use crate::names::variable;
use crate::web::web;

type Answer = Pin<Box<dyn Future<Output = Result<Value, Failure>>>>;

/// A function that can be called.
pub(crate) type Function = Rc<dyn Fn(Value) -> Answer>;

/// All functions, by folder name. Each starts with its first call, as on AWS.
pub(crate) fn build(shared: &Arc<Shared>) -> BTreeMap<&'static str, Function> {
    let mut made = BTreeMap::new();
    macro_rules! functions {
        ($($name:literal => $new:expr, $type:ty;)*) => {
            $(made.insert($name, one(shared, $name, $new, async |f: &$type, event| f.handle(event).await));)*
        };
    }
    let local = Arc::clone(shared);
    let start_notify = move |sdk: &SdkConfig, lookup: Lookup<'_>| {
        let connector = SharedHttpConnector::new(InProcess::new(Arc::clone(&local), "notify"));
        let lines = Arc::clone(&local);
        let metrics =
            notify::metrics::Lines::to(move |line| lines.lock().history.metrics.push(line.to_owned()));
        notify::Notify::new(
            sdk,
            lookup,
            notify::slack::Connection::through(connector),
            metrics,
        )
    };
    let (of_shift, of_validate) = (Arc::clone(shared), Arc::clone(shared));
    let start_shift =
        move |sdk: &SdkConfig, lookup: Lookup<'_>| shift::Shift::new(sdk, lookup, web(&of_shift, "shift"));
    let start_validate = move |sdk: &SdkConfig, lookup: Lookup<'_>| {
        validate::Validate::new(sdk, lookup, web(&of_validate, "validate"))
    };
    functions! {
        "plan" => plan::Plan::new, plan::Plan;
        "prepare" => prepare::Prepare::new, prepare::Prepare;
        "migrate" => migrate::Migrate::new, migrate::Migrate;
        "infrastructure" => infrastructure::Infrastructure::new, infrastructure::Infrastructure;
        "configure" => configure::Configure::new, configure::Configure;
        "monitoring" => monitoring::Monitoring::new, monitoring::Monitoring;
        "shift" => start_shift, shift::Shift;
        "validate" => start_validate, validate::Validate;
        "complete" => complete::Complete::new, complete::Complete;
        "gate" => gate::Gate::new, gate::Gate;
        "abort-handle" => abort_handle::AbortHandle::new, abort_handle::AbortHandle;
        "rollback" => rollback::Rollback::new, rollback::Rollback;
        "on-image-push" => on_image_push::OnImagePush::new, on_image_push::OnImagePush;
        "on-alarm" => on_alarm::OnAlarm::new, on_alarm::OnAlarm;
        "notify" => start_notify, notify::Notify;
        "sweep" => sweep::Sweep::new, sweep::Sweep;
        "api" => api::Api::new, api::Api;
    }
    made
}

fn one<H, I, O>(
    shared: &Arc<Shared>,
    name: &'static str,
    new: impl Fn(&SdkConfig, Lookup<'_>) -> Result<H, ConfigError> + 'static,
    handle: impl AsyncFn(&H, I) -> Result<O, FunctionError> + 'static,
) -> Function
where
    H: 'static,
    I: DeserializeOwned + 'static,
    O: Serialize + 'static,
{
    let shared = Arc::clone(shared);
    let (started, handle) = (OnceCell::new(), Rc::new(handle));
    Rc::new(move |payload| {
        let function = match started.get() {
            Some(function) => Ok(Rc::clone(function)),
            None => new(&sdk_config(&shared, name), &variable).map(|function| {
                let function = Rc::new(function);
                Rc::clone(started.get_or_init(|| function))
            }),
        };
        let handle = Rc::clone(&handle);
        Box::pin(async move {
            let function = function.map_err(|error| not_started(&error))?;
            let input = serde_json::from_value(payload).map_err(|error| unreadable(&error))?;
            let output = handle(&function, input).await.map_err(failure)?;
            serde_json::to_value(output).map_err(|error| unreadable(&error))
        })
    })
}

fn not_started(error: &ConfigError) -> Failure {
    Failure {
        error_type: "Runtime.ExitError".to_owned(),
        error_message: error.to_string(),
    }
}

fn failure(error: FunctionError) -> Failure {
    let Diagnostic {
        error_type,
        error_message,
    } = error.into();
    Failure {
        error_type,
        error_message,
    }
}

fn unreadable(error: &serde_json::Error) -> Failure {
    Failure {
        error_type: "Runtime.UserCodeError".to_owned(),
        error_message: error.to_string(),
    }
}
