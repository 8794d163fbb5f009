"""The keys and certificates of a control plane, made by openssl."""

import subprocess
from pathlib import Path

NAMES = "subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:{service}"
CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
# The service behind which the aggregator looks for the server of custom resources.
SERVICE = "custom-resources"
PROXY = "front-proxy-client"


def certify(folder: Path) -> None:
    """Write every key and certificate to `folder`.

    `ca.crt` signs `api.crt` and `crd.crt`, of the two API servers; `proxy-ca.crt`
    signs `proxy.crt`, by which the one speaks for a user to the other; `sa.key` and
    `sa.pub` are of the service accounts' tokens.
    """
    names = NAMES.format(service=f"{SERVICE}.kube-system.svc")
    (folder / "names").write_text(names, "utf-8")
    for authority in ("ca", "proxy-ca"):
        _authority(folder, authority)
    _signed(folder, "api", "ca", "kube-apiserver")
    _signed(folder, "crd", "ca", SERVICE)
    _signed(folder, "proxy", "proxy-ca", PROXY)
    kind = ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
    _openssl(folder, "genpkey", *kind, "-out", "sa.key")
    _openssl(folder, "pkey", "-in", "sa.key", "-pubout", "-out", "sa.pub")


def _authority(folder: Path, name: str) -> None:
    files = ("-keyout", f"{name}.key", "-out", f"{name}.crt")
    subject = ("-subj", f"/CN=test-{name}", "-days", "7")
    _openssl(folder, "req", "-x509", *CURVE, *files, *subject)


def _signed(folder: Path, name: str, authority: str, subject: str) -> None:
    files = ("-keyout", f"{name}.key", "-out", f"{name}.csr")
    _openssl(folder, "req", *CURVE, *files, "-subj", f"/CN={subject}")
    signer = ("-CA", f"{authority}.crt", "-CAkey", f"{authority}.key")
    options = ("-CAcreateserial", "-days", "7", "-extfile", "names")
    request = ("-in", f"{name}.csr", "-out", f"{name}.crt")
    _openssl(folder, "x509", "-req", *request, *signer, *options)


def _openssl(folder: Path, *arguments: str) -> None:
    command = ["openssl", *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
