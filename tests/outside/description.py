#!/usr/bin/env python3
"""Holds a running server against the description that it publishes, by schemathesis: what the description allows is taken, what it does
not allow is refused, and every answer is one that it lists.

    tests/outside/description.py --server target/debug/rubrica

Starts the server on a data folder of its own, makes a document and a tree of consents in it, and runs all checks with a fixed seed. What one member says of
another, and what is in a file, no JSON Schema can say; `fit` below makes such bodies whole, and says of each why. Exit status 0 if
nothing was found.
"""
import argparse
import base64
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from pathlib import Path

ORGANIZATION = "acme"
PASSWORD = "description"
EXAMPLES = 60

# Calls of one organization. A part over its limit is refused as such.
CONFIGURATION = f"""
[parameters]
"path.org_id" = "{ORGANIZATION}"

[checks]
# What was deleted stays known, and is answered as gone.
positive_data_acceptance.expected-statuses = ["2xx", "3xx", 401, 403, 404, 409, 410, 429, "5xx"]
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429]
"""
START = 60  # seconds in which the server must listen
WHOLE = 2400  # seconds that the run may take, beside others


def pdf():
    import pikepdf

    file = io.BytesIO()
    document = pikepdf.new()
    document.add_blank_page()
    document.save(file)
    return file.getvalue()


def png():
    """One black pixel."""
    import struct
    import zlib

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def pkcs12():
    """A key file that nobody trusts, valid for a year."""
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.serialization import pkcs12 as files
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Description")])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now - datetime.timedelta(days=1))
    certificate = builder.not_valid_after(now + datetime.timedelta(days=3650)).sign(key, hashes.SHA256())
    encryption = serialization.BestAvailableEncryption(PASSWORD.encode())
    return files.serialize_key_and_certificates(b"seal", key, certificate, None, encryption)


def jpeg():
    from PIL import Image

    file = io.BytesIO()
    Image.new("L", (1, 1)).save(file, "JPEG")
    return file.getvalue()


TEXT = b"<p>Hello</p>"
FILES = {"pdf": pdf(), "png": png(), "jpeg": jpeg(), "jpg": jpeg(), "html": TEXT, "hbs": TEXT, "json": b"{}"}


def fit_person(person):
    """A phone has 15 digits in all; a kind of identity document that every country issues needs its country."""
    phone = person.get("msisdn")
    if phone:
        most = 15 - len(phone["country_code"])
        phone["phone_number"] = int(str(int(phone["phone_number"]))[:most])
    document = person.get("identity_document")
    if document and document["document_type"] == "IDENTITY_CARD":
        document["country"] = document.get("country") or "ES"


def fit_contacts(person, second_factor):
    """A channel, a second factor and a kind of identification each need what they use."""
    person["email"] = "ana@example.org"
    person["msisdn"] = {"country_code": "34", "phone_number": 600111222}
    if second_factor in ("DOCUMENT_NUMBER", "AGENT", "IDENTITY_DOCUMENT"):
        person["identity_document"] = person.get("identity_document") or {"document_number": "1Z", "document_type": "NIF"}


def first_of_each(items, key):
    return list({item[key]: item for item in reversed(items)}.values())


def fit_template(body):
    """Sections and the rules on them are named by external ids, rules by one of two members."""
    if body.get("orderedSectionNames"):
        body["orderedSectionNames"] = ["terms" for _ in body["orderedSectionNames"][:100]]
    for rule in body.get("rules") or []:
        rule.pop("sectionId", None)
        rule["sectionExternalId"], rule["condition"] = "terms", "GDPR:YES"
    if "templateName" in body:
        body["templateName"] = "lease"


def fit_dynamic_template(body):
    """One file is template and editor configuration of each source, which all have one schema; every version has ES."""
    from schemathesis.transport.serialization import Binary

    metadata = body["metadata"]
    # Texts of people are on one line, and are some.
    if "description" in metadata:
        metadata["description"] = "A bill"
    if "tags" in metadata:
        metadata["tags"] = ["bills"]
    sources = metadata.get("sources") or []
    if "default_language" in metadata:
        metadata["default_language"] = "ES"
    if sources:
        sources[0]["language"] = "ES"
    for source in sources:
        source["template_part_name"] = source["editor_config_part_name"] = "files"
        source["structure"], source["engine_version"] = {"type": "object"}, "1"
    if sources:
        metadata["sources"] = first_of_each(sources, "language")
    body.clear()
    body.update(metadata=metadata, files=[Binary(b"{}")])


# The consents that the server has from the start, by type, and the segment whose tree shows them.
CONSENTS = {"C01": "OPT_IN", "C02": "OPT_OUT_POSITIVE", "C03": "OPT_OUT_NEGATIVE"}
SEGMENT = "telco"
VIEW = "MANDATORY"
LANGUAGES = ["es", "en", "ca", "eu", "gl", "de"]


def details(language):
    return {"language": language, "text": "Full text", "description": "", "short_text": "Short text"}


def tree():
    return {
        "description": "Customers",
        "default_language": "es",
        "allowed_languages": ["es", "en"],
        "consents_order": list(CONSENTS),
        "priority_consent_ids": ["C01"],
        "views": [{"view": VIEW, "consents": ["C01"]}],
        "dependencies": [{"father": "C01", "child": ["C02", "C03"]}],
        "channels": ["web"],
        "users_type": "customers",
    }


def request(method, path, body=None, **headers):
    """Calls the server as the organization: status, headers and body."""
    url = f"{os.environ['RUBRICA_BASE']}/v2/orgs/{ORGANIZATION}/{path}"
    data = None if body is None else json.dumps(body).encode()
    call = urllib.request.Request(url, data, method=method)
    call.add_header("Authorization", f"Bearer {os.environ['RUBRICA_TOKEN']}")
    if data:
        call.add_header("Content-Type", "application/json")
    for name, value in headers.items():
        call.add_header(name.replace("_", "-"), value)
    with urllib.request.urlopen(call, timeout=30) as answer:
        return answer.status, answer.headers, answer.read()


def prepare_consents():
    for name, kind in CONSENTS.items():
        request("POST", "consents", {"id": name, "type": kind, "consent": [details("es"), details("en")]})
    request("POST", "consents/tree", tree(), x_segment=SEGMENT)


def fit_consents(operation, case):
    """What one header, member or parameter says of another, or of what the server has."""
    names = {parameter["name"] for parameter in case.operation.definition.raw.get("parameters", [])}
    body = case.body if isinstance(case.body, dict) else None
    if "x-segment" in names:
        # One of its two names is always sent, and where a tree is needed there is one.
        case.headers["x-segment"] = SEGMENT
    if "view" in names and case.query and case.query.get("view"):
        # Views are those of the tree.
        case.query["view"] = [VIEW]
    if operation == "create_consent":
        # Of an id some characters are left, languages come once, and only an OPT_IN ends.
        body["id"] = f"C-{uuid.uuid4().hex}"
        body["consent"] = [detail | {"language": language} for detail, language in zip(body["consent"], LANGUAGES)]
        if body["type"] != "OPT_IN":
            body.pop("expiration_policy", None)
    elif operation == "update_consent":
        body["consent"] = [detail | {"language": language} for detail, language in zip(body["consent"], LANGUAGES)]
    elif operation == "create_consent_tree":
        # There is no tree yet, and its lists agree with each other and with the definitions.
        case.headers["x-segment"] = uuid.uuid4().hex
        body.update(tree())
    elif operation == "update_consent_tree":
        case.headers["ETag"] = request("GET", "consents/tree?users_type=customers", x_segment=SEGMENT)[1]["ETag"]
        body.update(tree())
    elif operation == "set_customer_consents":
        customer = urllib.parse.quote(case.path_parameters["customer_id"], safe="")
        case.headers["x-key"] = request("GET", f"customers/{customer}/consents", x_segment=SEGMENT)[1]["x-key"]
        # Consents of the tree, each once, with a choice that its type knows; a date that is past, an address that is one.
        choices = [selection["choice"] for selection in body["selections"]] or [0]
        body["selections"] = [
            {"id": name, "choice": 2 if choice == 1 and kind != "OPT_IN" else choice}
            for choice, (name, kind) in zip(choices, CONSENTS.items())
        ]
        body["ip"], body["capture_date"] = "203.0.113.10", "2024-05-21T17:32:28Z"
        body["actor_id"], body["trace_id"] = "AG000123", "TR-0001"
    elif operation == "check_consents":
        # Of a segment with a tree, and not in the past.
        body["segment"] = SEGMENT
        body.pop("at", None)
    elif operation == "create_consent_link":
        body["consents"] = ["C01"]
    elif operation == "preview_consent_tree":
        # It is of consents that there are, as the tree itself.
        body.update(tree())
    elif operation == "put_consent_profile":
        # Parties are different and are named by their ids, purposes by those of consents.
        parties = body["parties"] = first_of_each(body.get("parties") or [], "party_id")
        ids = [party["party_id"] for party in parties]
        body["pii_controllers"] = ids[:1]
        body["purposes"] = dict(zip(CONSENTS, (body.get("purposes") or {}).values()))
        for processing in (body, *body["purposes"].values()):
            if processing.get("recipient_third_parties"):
                processing["recipient_third_parties"] = ids[:1]
    elif operation == "set_legal_hold":
        # Each scope has a member of its own.
        body["process"] = body["customer_id"] = None
        body["scope"] = "ORGANIZATION"
    elif operation == "create_web_component_token":
        body["customer_id"], body["actor_id"] = "100000000001", "AG000123"


def fit(operation, body, document):
    from schemathesis.transport.serialization import Binary

    if operation == "create_otp_identification":
        fit_person(body["actor"])
        fit_contacts(body["actor"], body.get("two_factor_type"))
    elif operation in ("create_agent_identification", "create_identity_document_identification"):
        body["actor"] = body.get("actor") or {}
        fit_person(body["actor"])
        fit_contacts(body["actor"], "DOCUMENT_NUMBER")
        if body.get("scoring"):
            body["scoring"]["provider"] = "INTERNAL"
    elif operation == "validate_agent_identification":
        # A picture is one, and what was read from it is JSON.
        if body.get("evidence") is not None:
            body["evidence"] = base64.b64encode(FILES["png"]).decode()
        if body.get("evidence_metadata") is not None:
            body["evidence_metadata"] = "{}"
    elif operation == "create_scoring":
        # Of all that the open list may have, the one that every organization has.
        body["provider"] = "INTERNAL"
        # A whole number has no decimals, not even zeros.
        if body.get("max_score_retries") is not None:
            body["max_score_retries"] = int(body["max_score_retries"])
    elif operation == "delegate_scoring":
        if body.get("provider_config") is not None:
            body["provider_config"] = "{}"
    elif operation == "create_chain_identification":
        # A step has what its kind needs and no other does, and none comes twice, however it is written.
        fit_person(body["actor"])
        fit_contacts(body["actor"], "DOCUMENT_NUMBER")
        steps = {}
        for step in body["sequence"]:
            if step["identification_type"] == "IDENTITY_DOCUMENT":
                step.pop("otp_step", None)
                step["identity_document_step"] = {"provider_type": "INTERNAL"}
                steps["IDENTITY_DOCUMENT"] = step
                continue
            step["identification_type"] = "OTP"
            step.pop("identity_document_step", None)
            otp = step["otp_step"] = step.get("otp_step") or {}
            channel = otp["channel"] = otp.get("channel") or {"type": "EMAIL"}
            external = channel.get("external") in (True, "true")
            steps[(otp.get("two_factor_type"), channel["type"], external)] = step
        body["sequence"] = list(steps.values())
    elif operation == "create_sign_process":
        # Aliases are different, documents are there, and fields are in them.
        for number, signer in enumerate(body["signers"]):
            signer["alias"] = f"signer {number}"
            fit_person(signer)
            fit_contacts(signer, (signer.get("identification") or {}).get("two_factor_type"))
            fit_contacts(signer, body["identification"]["type"])
        # By hand, no organization signs here: that needs somebody who holds the key to the samples.
        body["sign"]["type"] = "SIMPLE"
        body["sign"]["documents"] = [{"id": document}]
        body["sign"].pop("preview_documents", None)
    elif operation == "upload_document":
        # The bytes are of the extension; labels that mean the same are one.
        body["content"] = Binary(FILES[body["extension"]])
        body["tags"] = ["description"]
    elif operation in ("create_form", "create_configuration_document"):
        body["name"], body["content"] = "form", Binary(FILES[body["extension"]])
        if "tags" in body:
            body["tags"] = ["description"]
    elif operation == "create_section":
        # One form for each language.
        body["forms"] = first_of_each(body["forms"], "language")
        for form in body["forms"]:
            form["formExternalId"] = "rent"
        body["sectionName"] = "terms"
    elif operation in ("create_template", "create_template_version", "update_template_version"):
        fit_template(body)
    elif operation == "create_configuration":
        # Names are of fields, each once, and values are texts, one for each language.
        for number, field in enumerate(body["fieldValues"]):
            field["name"], field["type"] = f"CONFIG_TENANT.FIELD_{number}", "TEXT"
            field["value"] = first_of_each(field["value"], "language")
    elif "fieldsValues" in body:
        # Each field once.
        body["fieldsValues"] = first_of_each(body["fieldsValues"], "name")
    elif operation == "fill_contract":
        body["fields_values"] = first_of_each(body["fields_values"], "name")
    elif operation == "sign_contracts":
        for number, signer in enumerate(body["signers"]):
            signer["alias"] = f"signer {number}"
            fit_person(signer)
            fit_contacts(signer, None)
    elif operation == "set_page_configuration":
        # Origins are written as browsers send them, each once; a colour is dark enough, a picture is one, addresses are some.
        if body.get("origins"):
            body["origins"] = [f"https://shop-{number}.example.org" for number in range(len(body["origins"]))]
        fitting = {
            "accent": "#1d4f91",
            "logo": base64.b64encode(FILES["png"]).decode(),
            "contact_email": "help@example.org",
            "privacy_url": "https://example.org/privacy",
        }
        body.update({member: value for member, value in fitting.items() if body.get(member) is not None})
    elif operation in ("create_sign_configuration", "update_sign_configuration"):
        # A key file opens with its password; rules are a JSON array in a text.
        if operation.startswith("create") or "content" in body or "sign_certificate_password" in body:
            body["content"], body["sign_certificate_password"] = Binary(pkcs12()), PASSWORD
        if "identification_config" in body:
            body["identification_config"] = '[{"sign_type": "SIMPLE", "provider_type": "INTERNAL"}]'
        for policy in ("contact_policy", "biometric_policy"):
            if policy in body:
                body[policy] = "{}"
        if "signature_level" in body:
            body["signature_level"] = "B-B"
    elif operation in ("create_dynamic_template", "create_dynamic_template_minor", "create_dynamic_template_major"):
        fit_dynamic_template(body)
    elif operation == "fill_dynamic_template":
        # No other language stands in for one that the version lacks.
        body["language"], body["document"] = "ES", {}


def hooks():
    """What schemathesis runs in its own process."""
    import schemathesis
    from hypothesis import strategies as st
    from schemathesis.core.parameters import ParameterLocation
    from schemathesis.transport import prepare
    from urllib3.util import SKIP_HEADER

    document = os.environ["RUBRICA_DOCUMENT"]
    # Else the generator names itself where the header is to be missing.
    prepare.USER_AGENT = SKIP_HEADER
    # Within the bounds of all operations, which the descriptions tell in words.
    durations = st.sampled_from(["PT15M", "PT20M30S", "PT1H", "PT90M", "PT23H", "P1D", "PT24H", "PT3600S"])
    schemathesis.openapi.format("duration", durations)
    # Addresses to which mail can be sent (RFC 5321); the generator's own may be of hosts without a dot.
    names = st.from_regex(r"[a-z]([a-z0-9]|[.+_-][a-z0-9]){0,20}", fullmatch=True)
    schemathesis.openapi.format("email", st.builds("{}@{}.example".format, names, st.from_regex(r"[a-z]{1,20}", fullmatch=True)))

    file = pdf()

    # A file of lines is tried with one.
    @schemathesis.serializer("application/x-ndjson")
    def one_line(context, value):
        return json.dumps(value).encode() + b"\n"

    # What is text or bytes stands for a file that is one; anything else is none.
    @schemathesis.serializer("application/pdf")
    def one_file(context, value):
        return file if isinstance(value, (bytes, str)) else json.dumps(value, default=str).encode()

    @schemathesis.deserializer("application/x-ndjson")
    def first_line(context, response):
        return json.loads(response.content.splitlines()[0])

    @schemathesis.hook
    def filter_body(context, body):
        # A form has texts only: a number in it is the text that it is written as, and no mistake.
        form = any(media.startswith("multipart/") for media in context.operation.definition.raw["requestBody"]["content"])
        return not (form and isinstance(body, dict) and any(isinstance(value, (bool, int, float)) for value in body.values()))

    @schemathesis.hook
    def filter_headers(context, headers):
        # Names of headers have no case for the server, but for the generator; a missing one is tried in every phase but this.
        raw = context.operation.definition.raw.get("parameters", [])
        needed = any(parameter.get("name") == "User-Agent" and parameter.get("required") for parameter in raw)
        return not needed or "User-Agent" in (headers or {})

    @schemathesis.hook
    def before_call(context, case, kwargs):
        generated = getattr(case.meta, "generation", None)
        operation = case.operation.definition.raw.get("operationId")
        if operation == "create_configuration_document" and case.meta:
            # Its query means nothing (note configuration-documents-query), so none is wrong.
            query = case.meta.components.get(ParameterLocation.QUERY)
            if query and query.mode.is_negative:
                case._meta = None
                return
        if operation == "import_consents" and case.meta:
            # What is wrong with a line is the answer to that line.
            body = case.meta.components.get(ParameterLocation.BODY)
            if body and body.mode.is_negative:
                case._meta = None
                return
        if operation_of_consents(case) and case.meta:
            # An empty or second name of the segment is none, as is an empty list of consents (note filter-edges).
            for location, tolerant in ((ParameterLocation.HEADER, "x-sector"), (ParameterLocation.QUERY, "consent_ids")):
                component = case.meta.components.get(location)
                raw = case.operation.definition.raw.get("parameters", [])
                if component and component.mode.is_negative and any(parameter["name"] == tolerant for parameter in raw):
                    case._meta = None
                    return
        if generated is None or not generated.mode.is_positive:
            return
        if operation_of_consents(case):
            fit_consents(operation, case)
            case._record_starting_state()
            return
        if not isinstance(case.body, dict):
            return
        if operation in ("preview_form_fill", "preview_template_fill"):
            # Which pages there are depends on the form.
            case.query = {}
        fit(operation, case.body, document)
        # What was made whole is still what the description allows; otherwise bodies with files would be taken for wrong ones.
        case._record_starting_state()


def operation_of_consents(case):
    return case.operation.path.startswith("/v2/")


def run(server, seed, examples):
    with tempfile.TemporaryDirectory() as folder:
        log = open(Path(folder) / "log", "w+")
        command = [server, "serve", "--listen", "127.0.0.1:0", "--data", folder]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            base = listening(process)
            token = subprocess.check_output([server, "token", "--data", folder, "--organization", ORGANIZATION], text=True).strip()
            document = upload(base, token)
            config = Path(folder) / "schemathesis.toml"
            config.write_text(CONFIGURATION)
            os.environ.update(RUBRICA_BASE=base, RUBRICA_TOKEN=token)
            prepare_consents()
            environment = os.environ | {"RUBRICA_DOCUMENT": document, "SCHEMATHESIS_HOOKS": str(Path(__file__).resolve())}
            schemathesis = Path(sys.executable).with_name("schemathesis")
            command = [schemathesis, "--config-file", config, "run", f"{base}/openapi.json", "--checks", "all"]
            command += ["--phases", "examples,coverage,fuzzing", "--seed", str(seed), "--max-examples", str(examples)]
            command += ["--header", f"Authorization: Bearer {token}", "--no-color", "--max-failures", "200"]
            ended = subprocess.run(command, env=environment, timeout=WHOLE, cwd=folder).returncode
            if process.poll() is not None:
                print("the server ended")
                return 1
            return ended
        finally:
            process.terminate()
            process.wait(30)
            log.close()


def listening(process):
    until = time.monotonic() + START
    while time.monotonic() < until:
        found = re.match(r"Rubrica listens on (\S+)", process.stdout.readline())
        if found:
            return found.group(1)
    raise SystemExit("the server did not start")


def upload(base, token):
    boundary = "a-boundary"
    parts = [("name", b"contract.pdf"), ("extension", b"pdf"), ("content", pdf())]
    head = 'Content-Disposition: form-data; name="{}"'
    body = b"".join(f"--{boundary}\r\n{head.format(name)}\r\n\r\n".encode() + value + b"\r\n" for name, value in parts)
    request = urllib.request.Request(f"{base}/v1/orgs/{ORGANIZATION}/documents", body + f"--{boundary}--\r\n".encode())
    request.add_header("Authorization", f"Bearer {token}")
    request.add_header("Content-Type", f"multipart/form-data; boundary={boundary}")
    answer = urllib.request.urlopen(request, timeout=30).read().decode()
    return re.search(r'"documentId":"([^"]+)"', answer).group(1)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--server", required=True, help="the program")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--examples", type=int, default=EXAMPLES, help="per operation")
    given = arguments.parse_args()
    sys.exit(run(str(Path(given.server).resolve()), given.seed, given.examples))
elif "RUBRICA_DOCUMENT" in os.environ:
    hooks()
