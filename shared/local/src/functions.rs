//! The real handlers, built as their `main.rs` builds them, with the local HTTP layer beneath.

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

use crate::cloud::{CloudError, Failure, Shared, sdk_config};
use crate::http::InProcess;
use crate::names::variable;

type Answer = Pin<Box<dyn Future<Output = Result<Value, Failure>>>>;

/// A function that can be called.
pub(crate) type Function = Rc<dyn Fn(Value) -> Answer>;

/// All functions, by folder name.
pub(crate) fn build(shared: &Arc<Shared>) -> Result<BTreeMap<&'static str, Function>, CloudError> {
    let mut made = BTreeMap::new();
    let mut add = |name: &'static str, function: Result<Function, ConfigError>| match function {
        Ok(function) => {
            made.insert(name, function);
            Ok(())
        }
        Err(error) => Err(CloudError::Function {
            name,
            reason: error.to_string(),
        }),
    };
    macro_rules! functions {
        ($($name:literal => $new:expr, $type:ty;)*) => {
            $(add($name, one(shared, $name, $new, async |f: &$type, event| f.handle(event).await))?;)*
        };
    }
    let slack = || {
        let connector = SharedHttpConnector::new(InProcess::new(Arc::clone(shared), "notify"));
        notify::slack::Connection::through(connector)
    };
    let metrics = || {
        let shared = Arc::clone(shared);
        notify::metrics::Lines::to(move |line| shared.lock().history.metrics.push(line.to_owned()))
    };
    functions! {
        "plan" => plan::Plan::new, plan::Plan;
        "prepare" => prepare::Prepare::new, prepare::Prepare;
        "migrate" => migrate::Migrate::new, migrate::Migrate;
        "infrastructure" => infrastructure::Infrastructure::new, infrastructure::Infrastructure;
        "configure" => configure::Configure::new, configure::Configure;
        "shift" => shift::Shift::new, shift::Shift;
        "validate" => validate::Validate::new, validate::Validate;
        "complete" => complete::Complete::new, complete::Complete;
        "gate" => gate::Gate::new, gate::Gate;
        "abort-handle" => abort_handle::AbortHandle::new, abort_handle::AbortHandle;
        "rollback" => rollback::Rollback::new, rollback::Rollback;
        "on-image-push" => on_image_push::OnImagePush::new, on_image_push::OnImagePush;
        "on-alarm" => on_alarm::OnAlarm::new, on_alarm::OnAlarm;
        "notify" => |sdk: &SdkConfig, lookup: Lookup<'_>| notify::Notify::new(sdk, lookup, slack(), metrics()), notify::Notify;
        "sweep" => sweep::Sweep::new, sweep::Sweep;
        "api" => api::Api::new, api::Api;
    }
    Ok(made)
}

fn one<H, I, O>(
    shared: &Arc<Shared>,
    name: &'static str,
    new: impl FnOnce(&SdkConfig, Lookup<'_>) -> Result<H, ConfigError>,
    handle: impl AsyncFn(&H, I) -> Result<O, FunctionError> + 'static,
) -> Result<Function, ConfigError>
where
    H: 'static,
    I: DeserializeOwned + 'static,
    O: Serialize + 'static,
{
    let handler = Rc::new((new(&sdk_config(shared, name), &variable)?, handle));
    Ok(Rc::new(move |payload| {
        let handler = Rc::clone(&handler);
        Box::pin(async move {
            let input = serde_json::from_value(payload).map_err(|error| unreadable(&error))?;
            let (function, handle) = &*handler;
            let output = handle(function, input).await.map_err(failure)?;
            serde_json::to_value(output).map_err(|error| unreadable(&error))
        })
    }))
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
