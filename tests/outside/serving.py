"""A server of ours, started with a folder of its own, and spoken to over HTTP."""

import http.client
import json
import os
import subprocess
import threading
import time
import uuid

START = 60.0


class Server:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.log = open(os.path.join(folder, "server.log"), "wb")
        command = [program, "serve", "--listen", "127.0.0.1:0", "--data", os.path.join(folder, "data")]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.port = None
        for line in self.process.stdout:
            if line.startswith("Rubrica listens on "):
                self.port = int(line.strip().rsplit(":", 1)[1])
            if line.startswith("Try next"):
                break
        # Reads on: a full pipe would hold up the server.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        until = time.monotonic() + START
        while self.request("GET", "/health/ready", None)[0] != 200:
            if time.monotonic() > until or self.process.poll() is not None:
                raise RuntimeError(f"the server does not start:\n{self.said()}")
            time.sleep(0.1)

    def token(self, organization):
        command = [self.program, "token", "--data", os.path.join(self.folder, "data"), "--organization", organization]
        return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.strip()

    def request(self, method, path, token, body=None, kind=None, timeout=120.0):
        """Status and body; 0 and why where there is no answer."""
        status, answer, _ = self.exchange(method, path, token, body, kind, {}, timeout)
        return status, answer

    def exchange(self, method, path, token, body, kind, more, timeout=120.0):
        """The same with `more` headers, and with those of the answer."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers.update(more)
        if kind:
            headers["Content-Type"] = kind
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers
        except (OSError, http.client.HTTPException) as error:
            return 0, repr(error).encode(), {}
        finally:
            connection.close()

    def upload(self, organization, token, data, to="documents", name="lease.pdf", tags="demo"):
        """A document, or a form where `to` says so."""
        boundary = uuid.uuid4().hex
        parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n' for key, value in (("name", name), ("extension", "pdf"), ("tags", tags))]
        file = f'--{boundary}\r\nContent-Disposition: form-data; name="content"; filename="lease.pdf"\r\nContent-Type: application/pdf\r\n\r\n'
        body = "".join(parts).encode() + file.encode() + data + f"\r\n--{boundary}--\r\n".encode()
        return self.request("POST", f"/v1/orgs/{organization}/{to}", token, body, f"multipart/form-data; boundary={boundary}")

    def ask_to_sign(self, organization, token, document):
        signer = {"alias": "tenant", "name": "Ana", "last_name": "Pons", "language": "ES", "msisdn": {"country_code": "34", "phone_number": 600111222}}
        body = {"signers": [signer], "sign": {"type": "SIMPLE", "documents": [{"id": document}]}, "identification": {"type": "OTP"}}
        return self.request("POST", f"/v1/orgs/{organization}/sign_process", token, json.dumps(body), "application/json")

    def peak_memory(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))

    def said(self):
        with open(self.log.name, errors="replace") as file:
            return file.read()[-5000:]
