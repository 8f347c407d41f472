//! The one way that every operation of the [table](super::table) goes: match, authenticate, locate and authorize, read the body, run, answer.
//!
//! A caller without permission never makes the server read a body, and nothing is loaded for a stranger.

use actix_web::http::header;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use matchit::Router;
use render::Width;

use super::call::{Admitted, Id, Tenant};
use super::consents;
use super::context::{State, number_parameter, organization_parameter, uuid_parameter};
use super::device::client_address;
use super::error::{ApiError, Family, shortened};
use super::operation::{Access, Operation, PathParameter, Reach, Segment};
use super::processes::Engine;
use super::sandbox::{self, Sandbox};
use super::signers;
use super::table::operations;
use crate::access::{self, Grant, Role, Rule, Target};

/// The operations by their paths, and what their handlers get.
#[derive(Clone)]
pub struct Api {
    resources: Router<Resource>,
    state: web::Data<State>,
    engine: web::Data<Engine>,
    sandbox: Option<web::Data<Sandbox>>,
    json_limit: usize,
}

/// One path and its operations.
#[derive(Clone)]
struct Resource {
    path: &'static str,
    operations: Vec<&'static Operation>,
    /// Its methods, as the header `Allow` wants them (RFC 9110, 15.5.6).
    allow: String,
}

/// A segment in braces, and what a path has in its place.
type Named = (&'static PathParameter, String);

/// The template that a request matched: the label of its metrics and log line. Paths themselves can hold secrets.
#[derive(Clone, Copy, Debug)]
pub struct Route(pub &'static str);

impl Api {
    /// All operations; those of the sandbox only where it is on.
    ///
    /// # Panics
    /// If two templates of the table are the same path. Tests build this, so no server gets there.
    pub fn new(state: State, engine: Engine, sandbox: Option<Sandbox>, json_limit: usize) -> Self {
        Self {
            resources: router(&resources(sandbox.is_some())),
            state: web::Data::new(state),
            engine: web::Data::new(engine),
            sandbox: sandbox.map(web::Data::new),
            json_limit,
        }
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Registers the operations. Paths below `/v1`, `/v2` and `/pages/api` come here first and by their prefix, so that none of actix's patterns
    /// is tried on them; all others come here when no page of the server has them.
    pub fn configure(self, service: &mut web::ServiceConfig) {
        service
            .app_data(web::Data::new(self))
            .service(web::scope("/v1").default_service(web::route().to(serve)))
            .service(web::scope("/v2").default_service(web::route().to(serve)))
            .service(web::scope("/pages/api").default_service(web::route().to(serve)))
            .default_service(web::route().to(serve));
    }

    /// The operation of a request, and what stands in its path for the segments in braces.
    ///
    /// # Errors
    /// 404, or 405 with `Allow`.
    fn find(&self, request: &HttpRequest) -> Result<(&'static Operation, Vec<Named>), ApiError> {
        // Decoded but for %25, %2F and %2B, which must not make segments.
        let path = request.match_info().as_str();
        let Ok(found) = self.resources.at(path) else {
            request.extensions_mut().insert(Route("unknown"));
            return Err(ApiError::not_found(format!("no operation has the path {}", shortened(request.path()))));
        };
        let resource = found.value;
        request.extensions_mut().insert(Route(resource.path));
        let operation = resource.operations.iter().find(|operation| operation.method.is(request.method()));
        let operation = *operation.ok_or_else(|| ApiError::method_not_allowed(resource.allow.clone()))?;
        let named = operation.path_parameters().zip(found.params.iter()).map(|(parameter, (_, text))| (parameter, decoded(text)));
        Ok((operation, named.collect()))
    }

    /// Who calls about what, as far as the operation lets them.
    async fn admit(
        &self,
        request: &HttpRequest,
        operation: &Operation,
        role: Role,
        reach: Reach,
        named: Vec<Named>,
    ) -> Result<Tenant, ApiError> {
        let rule = Rule { role, tokens: reach.tokens() };
        let header = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let caller = self.state.access.authenticate(access::bearer(header)?, self.state.now()).await?;
        let mut organization = None;
        let mut ids = Vec::new();
        for (parameter, text) in named {
            match parameter.kind {
                Segment::Organization => {
                    access::may(&caller, rule, organization_parameter(&text)?).map_err(|denied| operation.denies(denied))?;
                    organization = Some(text);
                }
                Segment::Customer => ids.push(Id::Name(consents::customer(&caller, &text)?)),
                _ => ids.push(identifier(parameter, text)?),
            }
        }
        let organization = organization.ok_or_else(|| ApiError::internal("the path names no organization"))?;
        if !matches!(caller.grant, Grant::Organization { .. }) {
            let target = self.target(reach, &caller, &organization, &ids).await?;
            access::reaches(&caller, target).map_err(|denied| operation.denies(denied))?;
            let counts = signers::link_counts(&self.engine, &organization, &caller.grant).await?;
            counts.map_err(|denied| operation.denies(denied))?;
        }
        Ok(Tenant { caller, organization, ids })
    }

    /// What a token for one thing must be for.
    async fn target<'a>(
        &self,
        reach: Reach,
        caller: &'a access::Caller,
        organization: &str,
        ids: &'a [Id],
    ) -> Result<Target<'a>, ApiError> {
        let id = ids.iter().find_map(|id| if let Id::Uuid(id) = id { Some(*id) } else { None });
        Ok(match (reach, id) {
            (Reach::Customer, _) => {
                let named = ids.iter().find_map(|id| if let Id::Name(name) = id { Some(name.as_str()) } else { None });
                Target { customer: named.or(caller.customer()), ..Target::default() }
            }
            (Reach::SignProcess, id) => Target { sign_process: id, ..Target::default() },
            (Reach::Signature | Reach::Signer, id) => Target { signature: id, ..Target::default() },
            (Reach::Chain, id) => Target { chain: id, ..Target::default() },
            (Reach::SignProcessOf(of) | Reach::SignerOf(of), Some(id)) => of(&self.engine, organization, id).await?,
            (Reach::SignProcessOf(_) | Reach::SignerOf(_), None) | (Reach::Organization, _) => Target::default(),
        })
    }
}

/// What a segment names that says it alone, whoever calls.
fn identifier(parameter: &PathParameter, text: String) -> Result<Id, ApiError> {
    let number = |max| number_parameter(parameter.name, &text, max).map(Id::Number);
    match parameter.kind {
        Segment::Uuid => Ok(Id::Uuid(uuid_parameter(parameter.name, &text)?)),
        Segment::Name | Segment::LowerName | Segment::HoldName | Segment::Consent => Ok(Id::Name(text)),
        Segment::Number { max } => number(max),
        Segment::NumberFromZero if text == "0" => Ok(Id::Number(0)),
        Segment::NumberFromZero => number(None).map_err(|_| from_zero(parameter.name)),
        Segment::NumberOrLatest if text == "latest" => Ok(Id::Latest),
        Segment::NumberOrLatest => number(None),
        Segment::Width => {
            let widths = Width::ALL.map(|width| width.pixels().to_string());
            let expected = || ApiError::parameter(format!("{}: expected one of {}", parameter.name, widths.join(", ")));
            if widths.contains(&text) { number(None) } else { Err(expected()) }
        }
        Segment::Organization | Segment::Customer => Err(ApiError::internal("who calls says what this is")),
    }
}

fn from_zero(name: &str) -> ApiError {
    ApiError::parameter(format!("{name}: expected a whole number from 0"))
}

/// Serves a request. Every error has the codes of the API below which the path is.
async fn serve(request: HttpRequest, payload: web::Payload, api: web::Data<Api>) -> Result<HttpResponse, ApiError> {
    let family = Family::of_path(request.match_info().as_str());
    answer(request, payload, api).await.map_err(|error| error.of(family))
}

async fn answer(request: HttpRequest, payload: web::Payload, api: web::Data<Api>) -> Result<HttpResponse, ApiError> {
    let (operation, named) = api.find(&request)?;
    let (mut of_link, mut of_nobody) = (Vec::new(), None);
    let tenant = match operation.access {
        Access::Role(role, reach) => Some(api.admit(&request, operation, role, reach, named).await?),
        Access::Link => {
            of_link = named.into_iter().map(|(parameter, text)| identifier(parameter, text)).collect::<Result<_, _>>()?;
            None
        }
        Access::Open(weight) => {
            let organization = named.into_iter().map(|(_, text)| text).next().unwrap_or_default();
            organization_parameter(&organization)?;
            of_nobody = Some(organization);
            // Before a byte of the body: whoever calls is nobody yet.
            let address = client_address(&request, &api.state);
            let admitted = api.engine.signers.limits.admit(address, weight, api.state.now());
            admitted.map_err(|wait| ApiError::too_many_requests("too many calls from this address; try again later", wait))?;
            None
        }
        Access::Sandbox => {
            sandbox::check_host(&request, &api.state.options.public_base_url)?;
            None
        }
    };
    let admitted = Admitted {
        request,
        payload: payload.into_inner(),
        operation,
        state: api.state.clone(),
        engine: api.engine.clone(),
        sandbox: api.sandbox.clone(),
        json_limit: operation.body_limit.map_or(api.json_limit, |limit| limit.min(api.json_limit)),
        tenant,
        of_link,
        of_nobody,
    };
    operation.handler.run(admitted).await
}

/// The paths of the table, in its order.
fn resources(sandbox: bool) -> Vec<Resource> {
    let mut resources: Vec<Resource> = Vec::new();
    for operation in operations().filter(|operation| sandbox || !operation.access.is_sandbox()) {
        match resources.iter_mut().find(|resource| resource.path == operation.path) {
            Some(resource) => {
                resource.operations.push(operation);
                resource.allow = format!("{}, {}", resource.allow, operation.method.as_str());
            }
            None => resources.push(Resource {
                path: operation.path,
                operations: vec![operation],
                allow: operation.method.as_str().to_owned(),
            }),
        }
    }
    resources
}

/// A trie over the segments of the paths. Literal segments win over those in braces (note route-precedence).
fn router(resources: &[Resource]) -> Router<Resource> {
    let mut router = Router::new();
    for resource in resources {
        if let Err(error) = router.insert(resource.path, resource.clone()) {
            panic!("{}: {error}", resource.path);
        }
    }
    router
}

/// A segment without the three escapes that are left in it.
pub(crate) fn decoded(segment: &str) -> String {
    if !segment.contains('%') {
        return segment.to_owned();
    }
    // The percent sign last: what it makes is no escape any more.
    [("%2F", "/"), ("%2f", "/"), ("%2B", "+"), ("%2b", "+"), ("%25", "%")]
        .iter()
        .fold(segment.to_owned(), |text, (escape, plain)| text.replace(escape, plain))
}

#[cfg(test)]
mod tests {
    use actix_web::http::Method;
    use actix_web::test::TestRequest;

    use super::*;
    use crate::http::testing::World;

    /// The operation that a request finds with what stands in its path, or the status of its refusal.
    fn found(api: &Api, method: Method, path: &str) -> Result<(&'static str, Vec<String>), u16> {
        let request = TestRequest::default().method(method).uri(path).to_http_request();
        let found = api.find(&request).map_err(|error| error.status().as_u16());
        found.map(|(operation, named)| (operation.id, named.into_iter().map(|(_, text)| text).collect()))
    }

    #[actix_web::test]
    async fn a_path_finds_its_operation_and_what_it_names() {
        let api = World::new().api();
        let get = |path| found(&api, Method::GET, path);
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();

        assert_eq!(get("/v1/orgs/acme/documents/d1/metadata"), Ok(("get_document_metadata", texts(&["acme", "d1"]))));
        // Literal segments win (note route-precedence).
        assert_eq!(get("/v1/orgs/acme/sign_process/configurations"), Ok(("get_sign_configuration", texts(&["acme"]))));
        assert_eq!(get("/v1/orgs/acme/sign_process/p1"), Ok(("get_sign_process", texts(&["acme", "p1"]))));
        assert_eq!(
            get("/v1/orgs/acme/sign_process/configurationsx"),
            Ok(("get_sign_process", texts(&["acme", "configurationsx"])))
        );
    }

    #[actix_web::test]
    async fn escapes_are_decoded_once_and_make_no_segments() {
        let api = World::new().api();
        let named = |organization: &str| {
            let path = format!("/v1/orgs/{organization}/sign_process/p1");
            found(&api, Method::GET, &path).map(|(_, named)| named[0].clone())
        };
        for (sent, meant) in [
            ("%61cme", "acme"),
            ("a%2Fb%2fc", "a/b/c"),
            ("a%2Bb", "a+b"),
            ("a+b", "a+b"),
            ("100%25", "100%"),
            ("%252F", "%2F"),
            ("%2541", "%41"),
            ("caf%C3%A9", "café"),
            ("%7Borg_id%7D", "{org_id}"),
        ] {
            assert_eq!(named(sent), Ok(meant.to_owned()), "{sent}");
        }
        assert_eq!(found(&api, Method::GET, "/v1/%6Frgs/acme/sign_process/p1").map(|(id, _)| id), Ok("get_sign_process"));
    }

    #[actix_web::test]
    async fn other_paths_are_404_and_other_methods_405() {
        let api = World::new().api();
        for path in [
            "/v1/orgs/acme/documents/",
            "/v1/orgs/acme/documents/d1/",
            "/v1/orgs//documents",
            "/v1/orgs/acme//documents",
            "/v1/orgs/acme/Documents",
            "/v1/orgs/acme",
            "/v1",
            "/",
            "/v2/orgs/acme/documents",
            "/v1/orgs/acme/documents/a/b/c",
            // The sandbox is off.
            "/sandbox/messages",
        ] {
            assert_eq!(found(&api, Method::GET, path), Err(404), "{path}");
        }
        for method in [Method::HEAD, Method::OPTIONS, Method::PUT, Method::TRACE] {
            assert_eq!(found(&api, method.clone(), "/v1/orgs/acme/documents"), Err(405), "{method}");
        }
    }
}
