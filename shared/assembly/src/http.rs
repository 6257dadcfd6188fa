//! A function's routes behind the API Gateway.

use axum::{
    Extension, Router,
    extract::Request,
    middleware::{self, Next},
    response::Response,
};
use edge::{Edition, ServiceEdition};
use runtime::{
    Settings,
    lambda::{GatewayContext, GatewayRequestId},
    settings,
};

/// `router` as the Lambda service serves it: the caller is who the gateway's authorizer says, the
/// edition is the deployment's, and every answer has the product's form.
pub fn http(router: Router, settings: &Settings) -> Router {
    let router = router.layer(Extension(service_edition(settings)));
    edge::finish(router).layer(middleware::from_fn(introduced))
}

/// The deployment's edition.
pub fn service_edition(settings: &Settings) -> ServiceEdition {
    ServiceEdition(match settings.edition {
        settings::Edition::Enterprise => Edition::Enterprise,
        settings::Edition::Community => Edition::Community,
    })
}

async fn introduced(mut request: Request, next: Next) -> Response {
    let extensions = request.extensions_mut();
    let context = extensions.remove::<GatewayContext>().unwrap_or_default().0;
    let id = extensions.remove::<GatewayRequestId>();
    edge::introduce(extensions, &context, id.as_ref().map(|id| id.0.as_str()));
    next.run(request).await
}
