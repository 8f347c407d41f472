//! The calls of the demo. Every failure says which call it was and what the server answered.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Failure, people::Device, text};

/// Longest time of one call.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// An organization's own server, as far as the demo needs one.
pub(super) struct Client {
    http: reqwest::Client,
    base: String,
    organization: String,
    token: String,
}

impl Client {
    pub fn new(base: &str, organization: &str, token: String) -> Result<Self, Failure> {
        let http = reqwest::Client::builder().timeout(CALL_TIMEOUT).connect_timeout(Duration::from_secs(5)).build()?;
        Ok(Self { http, base: base.trim_end_matches('/').to_owned(), organization: organization.to_owned(), token })
    }

    /// Without a sandbox nobody could read the codes.
    pub async fn has_sandbox(&self) -> Result<(), Failure> {
        let answer = self.http.get(format!("{}/sandbox/messages?limit=1", self.base)).send().await;
        let answer = answer.map_err(|error| format!("no server answers at {}: {}", self.base, chain(&error)))?;
        match answer.status() {
            StatusCode::OK if answer.json::<Vec<Value>>().await.is_ok() => Ok(()),
            _ => Err(format!("the server at {} has no sandbox, without which nobody can read the codes", self.base).into()),
        }
    }

    /// Where a process is looked at in a browser.
    pub fn page_of(&self, process: &str) -> String {
        format!("{}/console/orgs/{}/processes/{process}", self.base, self.organization)
    }

    /// Whether the data folder is the server's.
    pub async fn takes_token(&self) -> Result<(), Failure> {
        let nothing = Uuid::nil();
        let answer = self.call(Method::GET, &format!("sign_process/{nothing}")).send().await?;
        match answer.status() {
            StatusCode::UNAUTHORIZED => {
                Err(format!("the server at {} does not take tokens of this data folder; name its own with --data", self.base)
                    .into())
            }
            _ => Ok(()),
        }
    }

    pub async fn upload(&self, name: &str, bytes: &[u8]) -> Result<String, Failure> {
        let parts = [("name", name), ("extension", "pdf"), ("tags", "demo")];
        text(&json_of(with_file(self.call(Method::POST, "documents"), &parts, bytes), "upload").await?, "/documentId")
    }

    /// Whether something is there.
    pub async fn is_there(&self, path: &str) -> Result<bool, Failure> {
        match self.call(Method::GET, path).send().await?.status() {
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(false),
            status if status.is_success() => Ok(true),
            status => Err(format!("read {path}: the server answered {}", status.as_u16()).into()),
        }
    }

    /// A form of the catalogue, which may be there from a demo before.
    pub async fn form(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let parts = [("name", name), ("extension", "pdf")];
        made(with_file(self.call(Method::POST, "templates/forms"), &parts, bytes), "upload the form").await
    }

    /// A section or a template, which may be there from a demo before.
    pub async fn template_part(&self, path: &str, body: &Value) -> Result<(), Failure> {
        made(self.call(Method::POST, path).json(body), "make the template").await
    }

    /// Answers the contract and its filled document.
    pub async fn fill_contract(&self, owner: &str, body: &Value) -> Result<(String, String), Failure> {
        let request = self.call(Method::POST, "contracts/fill").header("x-auth-owner", owner).json(body);
        let filled = json_of(request, "fill the contract").await?;
        Ok((text(&filled, "/contract_id")?, text(&filled, "/document_id")?))
    }

    /// Answers the sign process.
    pub async fn sign_contract(&self, body: &Value) -> Result<String, Failure> {
        text(&json_of(self.call(Method::POST, "contracts/sign").json(body), "sign the contract").await?, "/sign_process_id")
    }

    pub async fn contract(&self, id: &str) -> Result<Value, Failure> {
        json_of(self.call(Method::GET, &format!("contracts/{id}")), "read the contract").await
    }

    pub async fn download_as(&self, owner: &str, document: &str) -> Result<Vec<u8>, Failure> {
        let request = self.call(Method::GET, &format!("documents/{document}")).header("x-auth-owner", owner);
        Ok(good(request, "download the contract").await?.bytes().await?.to_vec())
    }

    pub async fn create_process(&self, request: &Value) -> Result<String, Failure> {
        text(&json_of(self.call(Method::POST, "sign_process").json(request), "create the sign process").await?, "/id")
    }

    pub async fn process(&self, id: &str) -> Result<Value, Failure> {
        json_of(self.call(Method::GET, &format!("sign_process/{id}")), "read the sign process").await
    }

    /// `operations` are those of its kind.
    pub async fn signature(&self, operations: &str, id: &str) -> Result<Value, Failure> {
        json_of(self.call(Method::GET, &format!("{operations}/{id}")), "read the signature").await
    }

    pub async fn configuration(&self) -> Result<Value, Failure> {
        json_of(self.call(Method::GET, "sign_process/configurations"), "read the sign configuration").await
    }

    pub async fn set_biometric_policy(&self, policy: &Value) -> Result<(), Failure> {
        let boundary = Uuid::new_v4().simple().to_string();
        let head = "content-disposition: form-data; name=\"biometric_policy\"";
        let body = format!("--{boundary}\r\n{head}\r\n\r\n{policy}\r\n--{boundary}--\r\n");
        let request = self.call(Method::PATCH, "sign_process/configurations");
        let request = request.header("content-type", format!("multipart/form-data; boundary={boundary}")).body(body);
        good(request, "set the escrow certificate").await.map(drop)
    }

    /// An agent says that the signer is who they say.
    pub async fn vouch(&self, identification: &str, agent: &str, device: &Device) -> Result<(), Failure> {
        let request = self.call(Method::POST, &format!("identifications/agent/{identification}/validate"));
        good(described(request, device).json(&json!({"agent": agent})), "vouch for the signer").await.map(drop)
    }

    pub async fn preview_by_hand(&self, signature: &str, device: &Device) -> Result<(), Failure> {
        let request = self.call(Method::POST, &format!("biometric_signs/{signature}/preview"));
        good(described(request, device), "preview").await.map(drop)
    }

    /// What the shop's tablet sends.
    pub async fn sign_by_hand(&self, signature: &str, writing: &Value, device: &Device) -> Result<(), Failure> {
        let request = self.call(Method::POST, &format!("biometric_signs/{signature}/sign"));
        good(described(request, device).json(writing), "sign by hand").await.map(drop)
    }

    pub async fn challenge(&self, identification: &str) -> Result<(), Failure> {
        let request = self.call(Method::PUT, &format!("identifications/otp/{identification}/challenge")).json(&json!({}));
        good(request, "ask for a code").await.map(drop)
    }

    /// The token that opens the identified signer's signature.
    pub async fn validate(&self, identification: &str, code: &str, device: &Device) -> Result<String, Failure> {
        let request = self.call(Method::PUT, &format!("identifications/otp/{identification}/validate"));
        let answer = good(described(request, device).json(&json!({"code": code})), "answer the code").await?;
        let token = answer.headers().get("x-access-token").and_then(|token| token.to_str().ok());
        Ok(token.ok_or("the answer to the code has no x-access-token")?.to_owned())
    }

    /// What the signer does, with nothing but the signer's own token.
    pub async fn act(&self, signature: &str, action: &str, access: &str, device: &Device) -> Result<(), Failure> {
        let url = self.url(&format!("simple_signs/{signature}/{action}"));
        good(described(self.http.post(url).bearer_auth(access), device), action).await.map(drop)
    }

    pub async fn messages(&self, to: &str) -> Result<Vec<Value>, Failure> {
        let url = format!("{}/sandbox/messages?to={}", self.base, to.replace('+', "%2B"));
        let messages = json_of(self.http.get(url), "read the sandbox's messages").await?;
        Ok(messages.as_array().cloned().unwrap_or_default())
    }

    pub async fn download(&self, document: &str) -> Result<Vec<u8>, Failure> {
        let answer = good(self.call(Method::GET, &format!("documents/{document}")), "download the certificate").await?;
        Ok(answer.bytes().await?.to_vec())
    }

    /// What a public URL leads to; no token goes along.
    pub async fn public(&self, url: &str) -> Result<Vec<u8>, Failure> {
        Ok(good(self.http.get(url), "download the signed document").await?.bytes().await?.to_vec())
    }

    fn url(&self, path: &str) -> String {
        format!("{}/v1/orgs/{}/{path}", self.base, self.organization)
    }

    fn call(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path)).bearer_auth(&self.token)
    }
}

/// A form with these parts and a PDF.
fn with_file(request: RequestBuilder, parts: &[(&str, &str)], bytes: &[u8]) -> RequestBuilder {
    let boundary = Uuid::new_v4().simple().to_string();
    let mut body = Vec::with_capacity(bytes.len() + 1024);
    for (part, value) in parts {
        let head = format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{part}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(head.as_bytes());
    }
    let head = format!("--{boundary}\r\ncontent-disposition: form-data; name=\"content\"; filename=\"document.pdf\"\r\n\r\n");
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(bytes);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    request.header("content-type", format!("multipart/form-data; boundary={boundary}")).body(body)
}

fn described(request: RequestBuilder, device: &Device) -> RequestBuilder {
    device.iter().fold(request, |request, (name, value)| request.header(*name, *value))
}

async fn json_of(request: RequestBuilder, what: &str) -> Result<Value, Failure> {
    Ok(good(request, what).await?.json().await.map_err(|error| format!("{what}: {}", chain(&error)))?)
}

/// That it is there now, made or found.
async fn made(request: RequestBuilder, what: &str) -> Result<(), Failure> {
    let answer = request.send().await.map_err(|error| format!("{what}: {}", chain(&error)))?;
    if answer.status() == StatusCode::CONFLICT { Ok(()) } else { succeeded(answer, what).await.map(drop) }
}

/// The answer if it is a success, else what the server says is wrong.
pub(super) async fn good(request: RequestBuilder, what: &str) -> Result<Response, Failure> {
    let answer = request.send().await.map_err(|error| format!("{what}: {}", chain(&error)))?;
    succeeded(answer, what).await
}

async fn succeeded(answer: Response, what: &str) -> Result<Response, Failure> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let body: Value = answer.json().await.unwrap_or_default();
    let errors = body["errors"].as_array().cloned().unwrap_or_default();
    let details: Vec<_> = errors.iter().filter_map(|error| error["details"].as_str()).collect();
    Err(format!("{what}: the server answered {}: {}", status.as_u16(), details.join("; ")).into())
}

/// An error and its causes: the outermost alone says little.
fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
