#!/usr/bin/env python3
"""Signed files of each level of PAdES, judged by pyHanko (the validation algorithms of ETSI EN 319 102-1) and by EU DSS.

    levels.py --samples PROGRAM --rubrica PROGRAM --dss SCRIPT

PROGRAM is the example `levels_sample`. Exit status 0 only if both call each signature of each file passed, EU DSS at the level that the file
claims, and `rubrica verify` too; and if what was changed in each of the files is called passed by none of them. pyHanko's algorithm wants a time
stamp in the signature itself: the files with one behind all signatures (`behind-*`) are for EU DSS alone.
"""

import argparse
import asyncio
import glob
import json
import logging
import os
import subprocess
import sys
import tempfile

from asn1crypto import ocsp
from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import ades
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.policy_decl import (
    LocalKnowledge,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import CertRevTrustPolicy, RevocationCheckingPolicy, RevocationCheckingRule
from pyhanko_certvalidator.registry import SimpleTrustManager
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer


def specification(roots, answers, store):
    rule = RevocationCheckingRule.CRL_OR_OCSP_REQUIRED
    checked = RevocationCheckingPolicy(ee_certificate_rule=rule, intermediate_ca_cert_rule=rule)
    policy = CertValidationPolicySpec(
        trust_manager=SimpleTrustManager.build(trust_roots=[load_cert_from_pemder(root) for root in roots]),
        # What is found out later speaks of earlier, too.
        revinfo_policy=CertRevTrustPolicy(checked, retroactive_revinfo=True),
    )
    containers = []
    for answer in answers:
        with open(answer, "rb") as file:
            containers += OCSPContainer.load_multi(ocsp.OCSPResponse.load(file.read()))
    lists = []
    if store is not None:
        for answer in store.ocsps:
            containers += OCSPContainer.load_multi(ocsp.OCSPResponse.load(answer.get_object().data))
        from asn1crypto import crl

        lists = [CRLContainer(crl.CertificateList.load(item.get_object().data)) for item in store.crls]
    return PdfSignatureValidationSpec(
        SignatureValidationSpec(
            cert_validation_policy=policy,
            revinfo_gathering_policy=RevocationInfoGatheringSpec(online_fetching_rule=RevinfoOnlineFetchingRule.LOCAL_ONLY),
            local_knowledge=LocalKnowledge(known_ocsps=containers, known_crls=lists),
        )
    )


async def by_pyhanko(path, level, roots, answers):
    """One line per signature: what it is called, and why."""
    said = []
    with open(path, "rb") as file:
        reader = PdfFileReader(file)
        try:
            store = DocumentSecurityStore.read_dss(reader)
        except Exception:
            store = None
        for signature in reader.embedded_regular_signatures:
            if level == "B-LTA":
                result = await ades.ades_lta_validation(signature, specification(roots, answers, None))
            else:
                signature.compute_integrity_info()
                judge = ades.ades_basic_validation if level == "B-B" else ades.ades_with_time_validation
                known = specification(roots, answers, store).signature_validation_spec
                result = await judge(signature.signed_data, known, raw_digest=signature.compute_digest())
            said.append(f"{result.ades_subindic} {result.failure_msg or ''}".strip())
    return said


def by_dss(script, paths, arguments):
    environment = dict(os.environ, RUBRICA_DSS="Levels")
    output = subprocess.run([script, *arguments], input="\n".join(paths), capture_output=True, text=True, env=environment, check=True)
    return [line.split("\t") for line in output.stdout.splitlines()]


def by_rubrica(program, path, roots):
    wanted = [argument for root in roots for argument in ("--root", root)]
    output = subprocess.run([program, "verify", path, "--json", *wanted], capture_output=True, text=True).stdout
    signatures = [signature for signature in json.loads(output)["report"]["signatures"] if not signature["is_time_stamp"]]
    return [f"{signature['level']} {signature['judgement']} {signature['trust']['status']}" for signature in signatures]


def changed(path, folder):
    """The same with one byte of the first page's text changed, in the middle of what is signed."""
    with open(path, "rb") as file:
        content = bytearray(file.read())
    place = content.index(b"stream", 9) + 40
    content[place] ^= 1
    path = os.path.join(folder, "changed-" + os.path.basename(path))
    with open(path, "wb") as file:
        file.write(content)
    return path


def main():
    arguments = argparse.ArgumentParser()
    for name in ("samples", "rubrica", "dss"):
        arguments.add_argument("--" + name, required=True)
    given = arguments.parse_args()
    logging.disable(logging.CRITICAL)
    faults, judged = [], 0
    with tempfile.TemporaryDirectory() as folder:
        lines = subprocess.run([given.samples, folder], capture_output=True, text=True, check=True).stdout.splitlines()
        samples = [line.split(" ") for line in lines]
        for when in ("fresh", "old"):
            roots = sorted(glob.glob(f"{folder}/{when}-*.pem"))
            answers = sorted(glob.glob(f"{folder}/{when}-*.ocsp"))
            mine = [(path, level) for path, level, of in samples if of == when]
            wrong = [(changed(path, folder), level) for path, level in mine]
            peers = by_dss(given.dss, [path for path, _ in mine + wrong], roots + answers)
            for (path, level), dss in zip(mine + wrong, peers, strict=True):
                name = os.path.basename(path)
                is_right = not name.startswith("changed-")
                said = {"EU DSS": (dss, f"PAdES-BASELINE-{level[2:]} TOTAL_PASSED")}
                said["rubrica"] = (by_rubrica(given.rubrica, path, roots), f"{level} intact trusted")
                if not name.removeprefix("changed-").startswith("behind-"):
                    try:
                        words = asyncio.run(by_pyhanko(path, level, roots, answers))
                    except Exception as error:
                        words = [f"{type(error).__name__}: {error}"] * 2
                    said["pyHanko"] = (words, "AdESPassed.OK")
                for judge, (words, passed) in said.items():
                    judged += 1
                    passes = [word.startswith(passed) for word in words]
                    if len(words) != 2 or (not all(passes) if is_right else any(passes)):
                        faults.append(f"{name}: {judge} says {words}")
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{judged} judgements on {2 * len(samples)} files")
    return 1 if faults or not samples else 0


if __name__ == "__main__":
    sys.exit(main())
