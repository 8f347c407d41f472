#!/usr/bin/env python3
"""Receipts of consents, verified by a JOSE library of others (joserfc) and by our own program, and refused by both after one changed byte.

    tests/outside/consent_receipts.py --rubrica target/debug/rubrica

Starts a server on a folder of its own. Keys of three kinds sign: ECDSA, RSA and Ed25519. What the receipt shows of the journal is computed
again here, by the words of the receipt alone. Exit status 0 if all is as it should be.
"""
import argparse
import base64
import datetime
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import uuid

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from joserfc import jws
from joserfc.errors import BadSignatureError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from serving import Server

PASSWORD = "receipts"
KEYS = {
    "ES256": (lambda: ec.generate_private_key(ec.SECP256R1()), hashes.SHA256(), ECKey),
    "ES384": (lambda: ec.generate_private_key(ec.SECP384R1()), hashes.SHA384(), ECKey),
    "RS256": (lambda: rsa.generate_private_key(65537, 2048), hashes.SHA256(), RSAKey),
    "EdDSA": (ed25519.Ed25519PrivateKey.generate, None, OKPKey),
}
PROFILE = {
    "parties": [{"party_id": "acme", "party_name": "Acme S.A.", "party_address": "Calle Mayor 1", "party_contact": "dpo@acme.test", "party_type": "controller"}],
    "pii_controllers": ["acme"],
    "pii_information": [{"pii_type": "Email"}],
    "storage_locations": ["ES"],
    "retention_period": "P3Y",
    "jurisdiction": "ES",
    "recipient_third_parties": [],
    "withdrawal_method": "any shop",
    "privacy_rights": ["access", "erasure"],
}


def unpadded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def padded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def key_file(kind):
    """A key file, and its certificate, which is its own root."""
    make, digest, _ = KEYS[kind]
    key, now = make(), datetime.datetime.now(datetime.timezone.utc)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"Receipts {kind}")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
    builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=365))
    certificate = builder.sign(key, digest)
    encryption = serialization.BestAvailableEncryption(PASSWORD.encode())
    return pkcs12.serialize_key_and_certificates(b"seal", key, certificate, None, encryption), certificate


class Shop:
    def __init__(self, server, organization):
        self.server, self.organization, self.token = server, organization, server.token(organization)

    def call(self, method, path, status, body=None, **headers):
        kind = "application/json" if body is not None else None
        text = json.dumps(body) if body is not None else None
        found, answer, given = self.server.exchange(method, f"/v2/orgs/{self.organization}/{path}", self.token, text, kind, headers)
        if found != status:
            raise RuntimeError(f"{method} {path}: {found} in place of {status}: {answer.decode(errors='replace')}")
        return (json.loads(answer) if answer else None), given

    def certify(self, file):
        boundary = uuid.uuid4().hex
        members = {"landing_url": "sign.example.org", "expiration_duration": "P7D", "channels": "EMAIL,SMS", "sign_certificate_password": PASSWORD, "notification_email": "seals@example.org"}
        parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in members.items()]
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="content"; filename="seal.p12"\r\nContent-Type: application/x-pkcs12\r\n\r\n'
        body = b"".join(parts) + head.encode() + file + f"\r\n--{boundary}--\r\n".encode()
        path = f"/v1/orgs/{self.organization}/sign_process/configurations"
        status, answer = self.server.request("POST", path, self.token, body, f"multipart/form-data; boundary={boundary}")
        if status != 204:
            raise RuntimeError(f"the certificate: {status}: {answer.decode(errors='replace')}")

    def plant(self):
        for consent in ("C01", "C02"):
            text = {"language": "es", "text": f"¿Acepta {consent}?", "description": "Por qué", "short_text": consent}
            self.call("POST", "consents", 201, {"id": consent, "type": "OPT_IN", "consent": [text]})
        tree = {
            "description": "Customers", "default_language": "es", "allowed_languages": ["es"], "consents_order": ["C01", "C02"],
            "priority_consent_ids": ["C01"], "views": [{"view": "MANDATORY", "consents": ["C01"]}], "dependencies": [], "channels": ["web"], "users_type": "customers",
        }
        self.call("POST", "consents/tree", 204, tree, **{"x-segment": "telco"})
        self.call("PUT", "consent-profile", 204, PROFILE)

    def capture(self, customer, choices):
        path = f"customers/{customer}/consents"
        status = 202 if getattr(self, "known", False) else 200
        _, headers = self.call("GET", path, status, **{"x-segment": "telco"})
        selections = [{"id": consent, "choice": choice} for consent, choice in choices.items()]
        now = datetime.datetime.now(datetime.timezone.utc).isoformat()
        body = {"actor_id": "AG1", "selections": selections, "ip": "203.0.113.10", "sell_channel": "eshop", "trace_id": "T1", "capture_date": now}
        self.call("POST", path, 201, body, **{"x-segment": "telco", "x-key": headers["x-key"]})
        self.known = True


def chain(journal):
    """Computes the chain of a journal by the words of its `algorithm`."""
    start = "\0".join(["rubrica-journal-chain/2", journal["organization"], journal["kind"], journal["id"]]).encode()
    previous = hashlib.sha256(start).digest()
    for number, entry in enumerate(journal["entries"], 1):
        assert entry["sequence"] == number, "a gap"
        at = datetime.datetime.fromisoformat(entry["at"].replace("Z", "+00:00"))
        epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
        micros = (at - epoch) // datetime.timedelta(microseconds=1)
        parts = [b"rubrica-journal-chain/2\0", previous, number.to_bytes(8, "big"), micros.to_bytes(8, "big", signed=True)]
        previous = hashlib.sha256(b"".join(parts) + bytes.fromhex(entry["commitment"])).digest()
        assert previous.hex() == entry["hash"], f"entry {number} does not follow"
    assert previous.hex() == journal["head_hash"], "the head is another one"


def opened(receipt, key, algorithm):
    """What the library reads. Its bounds are for tokens: certificates and texts are larger."""
    registry = jws.JWSRegistry(algorithms=[algorithm])
    registry.max_header_length, registry.max_payload_length = 1 << 16, 1 << 24
    return jws.deserialize_json(receipt, key, registry=registry)


def refused(receipt, key, algorithm):
    try:
        opened(receipt, key, algorithm)
    except BadSignatureError:
        return True
    return False


def verify(program, receipt, root, folder):
    file = os.path.join(folder, "receipt.json")
    with open(file, "w") as out:
        json.dump(receipt, out)
    return subprocess.run([program, "verify", file, "--root", root], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def judge(program, server, kind, folder):
    shop, customer = Shop(server, f"receipts-{kind.lower()}"), uuid.uuid4().hex
    file, certificate = key_file(kind)
    root = os.path.join(folder, f"{kind}.der")
    with open(root, "wb") as out:
        out.write(certificate.public_bytes(serialization.Encoding.DER))
    shop.certify(file)
    shop.plant()
    shop.capture(customer, {"C01": 0, "C02": 0})
    shop.capture(customer, {"C01": 2})
    for revision, states in ((1, ["given", "given"]), (2, ["withdrawn"])):
        receipt, _ = shop.call("GET", f"customers/{customer}/consents/receipts/{revision}", 200, **{"x-segment": "telco"})
        header = json.loads(unpadded(receipt["protected"]))
        assert header["alg"] == kind and header["cty"] == "rubrica-consent-receipt+json", header
        leaf = x509.load_der_x509_certificate(base64.b64decode(header["x5c"][0]))
        assert leaf == certificate, "another certificate"
        public = leaf.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        key = KEYS[kind][2].import_key(public)
        found = opened(receipt, key, kind)
        told = json.loads(found.payload)
        assert [event["event_state"] for event in told["events"]] == states, told["events"]
        chain(told["journal"])
        shown = told["disclosed"][0]
        commitment = hashlib.sha256(bytes.fromhex(shown["salt"]) + shown["json"].encode()).hexdigest()
        assert commitment == told["journal"]["entries"][shown["sequence"] - 1]["commitment"], "the entry that is shown is another one"
        said = verify(program, receipt, root, folder)
        assert said.returncode == 0 and "trusted" in said.stdout, said.stdout
        payload = bytearray(unpadded(receipt["payload"]))
        for place in (1, len(payload) // 2, len(payload) - 2):
            changed = bytes(payload[:place]) + bytes([payload[place] ^ 1]) + bytes(payload[place + 1 :])
            forged = dict(receipt, payload=padded(changed))
            assert refused(forged, key, kind), f"joserfc takes a receipt whose byte {place} was changed"
            said = verify(program, forged, root, folder)
            assert said.returncode == 1 and "NOT INTACT" in said.stdout, said.stdout
    print(f"{kind}: 2 receipts verified, 6 changed ones refused, by joserfc and rubrica verify")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rubrica", required=True)
    program = os.path.abspath(arguments.parse_args().rubrica)
    with tempfile.TemporaryDirectory() as folder:
        server = Server(program, folder)
        try:
            for kind in KEYS:
                judge(program, server, kind, folder)
        finally:
            server.process.terminate()
            server.process.wait(60)
    return 0


if __name__ == "__main__":
    sys.exit(main())
