//! A function's routes behind the API Gateway.

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::Request,
    middleware::{self, Next},
    response::Response,
};
use edge::{Edition, ServiceEdition, Surface};
use runtime::{
    Foundation, Settings,
    lambda::{GatewayContext, GatewayRequestId},
    settings,
};

use crate::FeatureGate;

/// `router` as the Lambda service serves it: the caller is who the gateway's authorizer says, the
/// edition is the deployment's, what a workspace sees is what its flags say, and every answer has the
/// product's form.
pub fn http(router: Router, foundation: &Foundation) -> Router {
    let surface = Surface(Arc::new(FeatureGate::of(foundation)));
    let router = router.layer(Extension(service_edition(&foundation.settings))).layer(Extension(surface));
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
