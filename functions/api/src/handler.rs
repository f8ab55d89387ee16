//! One request, one answer.

use aws_lambda_events::lambda_function_urls::{LambdaFunctionUrlRequest, LambdaFunctionUrlResponse};
use aws_types::SdkConfig;
use tidegate_aws::store::Store;
use tidegate_lambda::FunctionError;
use tidegate_lambda::admit::Opener;
use tidegate_lambda::config::{ConfigError, Lookup};

use crate::config::Config;
use crate::http::{ApiError, answer, body, error_answer, json_body};
use crate::identity::{Caller, caller};
use crate::read::Listing;
use crate::route::{Route, route};

/// The function.
#[derive(Debug)]
pub struct Api {
    pub(crate) opener: Opener,
    pub(crate) rollback_machine: String,
    pub(crate) ecr: aws_sdk_ecr::Client,
}

impl Api {
    /// Clients and configuration.
    ///
    /// # Errors
    /// A variable that is missing.
    pub fn new(sdk: &SdkConfig, lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        let config = Config::read(lookup)?;
        Ok(Self {
            opener: Opener::new(sdk, config.table, config.deployment_machine),
            rollback_machine: config.rollback_machine,
            ecr: aws_sdk_ecr::Client::new(sdk),
        })
    }

    /// Answers a request. Errors of people are answers, not failures of the function.
    ///
    /// # Errors
    /// None today; the signature is that of every function.
    pub async fn handle(
        &self,
        request: LambdaFunctionUrlRequest,
    ) -> Result<LambdaFunctionUrlResponse, FunctionError> {
        let mut response = self.respond(&request).await.unwrap_or_else(|error| {
            tracing::warn!(error = %error, "request refused");
            error_answer(error)
        });
        // Whoever shows how long ago something was goes by this clock.
        if let Ok(now) = self.opener.clock.now().to_string().parse() {
            response.headers.insert("x-tidegate-now", now);
        }
        Ok(response)
    }

    async fn respond(
        &self,
        request: &LambdaFunctionUrlRequest,
    ) -> Result<LambdaFunctionUrlResponse, ApiError> {
        let http = &request.request_context.http;
        let method = http.method.as_deref().unwrap_or("GET");
        let path = request
            .raw_path
            .as_deref()
            .or(http.path.as_deref())
            .unwrap_or("/");
        let route = route(method, path)?;
        let caller = caller(request, &self.store().people().await?)?;
        tracing::info!(%caller.person, method, path, "request");
        self.dispatch(route, &caller, request).await
    }

    async fn dispatch(
        &self,
        route: Route,
        caller: &Caller,
        request: &LambdaFunctionUrlRequest,
    ) -> Result<LambdaFunctionUrlResponse, ApiError> {
        let query = |name: &str| request.query_string_parameters.get(name).map(String::as_str);
        Ok(match route {
            Route::ListTargets => answer(&self.list_targets().await?),
            Route::GetTarget(target) => answer(&self.get_target(&target).await?),
            Route::GetSpec(target) => answer(&self.get_spec(&target).await?),
            Route::ApplySpec(target) => answer(&self.apply_spec(&target, &body(request)?).await?),
            Route::ApplyPeople => answer(&self.apply_people(json_body(request)?).await?),
            Route::Record => answer(&self.record_release(caller, json_body(request)?).await?),
            Route::GetRelease { repository, image } => answer(&self.get_release(&repository, &image).await?),
            Route::ListDeployments => {
                let which = Listing {
                    service: query("service"),
                    environment: query("environment"),
                    limit: query("limit"),
                    before: query("before"),
                };
                answer(&self.list_deployments(which).await?)
            }
            Route::Measures => answer(
                &self
                    .measures(query("service"), query("environment"), query("since"))
                    .await?,
            ),
            Route::Deploy => answer(&self.deploy(caller, json_body(request)?).await?),
            Route::GetDeployment(id) => answer(&self.get_deployment(&id).await?),
            Route::GetJournal(id) => answer(&self.get_journal(&id).await?),
            Route::Decide(id) => answer(&self.decide(caller, &id, json_body(request)?).await?),
            Route::Abort(id) => answer(&self.abort(caller, &id, json_body(request)?).await?),
            Route::RunContract(target) => answer(&self.run_contract(caller, &target).await?),
            Route::CancelContract(target) => {
                answer(&self.cancel_contract(caller, &target, json_body(request)?).await?)
            }
            Route::Rollback(id) => answer(&self.rollback(caller, &id, json_body(request)?).await?),
        })
    }

    pub(crate) const fn store(&self) -> &Store {
        &self.opener.store
    }
}
