#!/usr/bin/env python3
"""The files of packaging/compose and packaging/kubernetes are what they have to be: each object becomes one of the types
of Kubernetes' client and is the same when it is written again, so that a field with a mistake in its name is found; the
compose file is taken by docker-compose; both configurations by `flare server --check-config`.

    manifests_check.py FLARE
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SKIPPED = 77  # ctest's SKIP_RETURN_CODE
TYPES = {"ConfigMap": "V1ConfigMap", "Service": "V1Service", "StatefulSet": "V1StatefulSet",
         "PodDisruptionBudget": "V1PodDisruptionBudget"}


def same(given, written, where):
    """What is given and is not written again has no field in the type."""
    if isinstance(given, dict):
        for name, value in given.items():
            if name not in (written or {}):
                sys.exit(f"kubernetes: {where}.{name}: there is no such field, or it is of another type")
            same(value, written[name], f"{where}.{name}")
    elif isinstance(given, list):
        if len(given) != len(written):
            sys.exit(f"kubernetes: {where}: it is another list")
        for i, value in enumerate(given):
            same(value, written[i], f"{where}[{i}]")
    elif given != written:
        sys.exit(f"kubernetes: {where}: {given!r} becomes {written!r}")


def check_kubernetes():
    from kubernetes import client
    api = client.ApiClient(client.Configuration())
    objects = list(yaml.safe_load_all((ROOT / "packaging/kubernetes/flare.yaml").read_text()))
    for each in objects:
        if each["kind"] not in TYPES:
            sys.exit(f"kubernetes: nobody knows the kind {each['kind']} here: add it to TYPES")
        made = api._ApiClient__deserialize(each, TYPES[each["kind"]])
        same(each, api.sanitize_for_serialization(made), each["kind"])
    planted = yaml.safe_load("{spec: {selector: {}, serviceName: x, template: {spec: {containers: [{name: x, imaeg: y}]}}}}")
    made = api.sanitize_for_serialization(api._ApiClient__deserialize(planted, "V1StatefulSet"))
    if "imaeg" in str(made):
        sys.exit("kubernetes: a mistake in a name would not be found")
    return objects


def check_compose():
    done = subprocess.run(["docker-compose", "-f", str(ROOT / "packaging/compose/compose.yaml"), "config", "-q"],
                          capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit("compose: " + done.stderr)


def check_configuration(flare, text, what):
    """Its files are elsewhere: they are made in a folder that takes the place of the ones that it names."""
    with tempfile.TemporaryDirectory() as folder:
        made = pathlib.Path(folder)
        subprocess.run([flare, "certs", "make", "--out", str(made), "--force"], check=True, capture_output=True)
        certificate, key = made / "server.crt", made / "server.key"
        subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{folder}/t.pem"], check=True)
        subprocess.run(["openssl", "ec", "-in", f"{folder}/t.pem", "-pubout", "-out", f"{folder}/token.pem"], check=True,
                       capture_output=True)
        subprocess.run([flare, "api-key", "create", "--file", f"{folder}/api.keys", "--scopes", "*"], check=True,
                       capture_output=True)
        for pattern, path in ((r'"[^"]*tls_certificate"|"[^"]*tls\.crt"', certificate), (r'"[^"]*tls_key"|"[^"]*tls\.key"', key),
                              (r'"[^"]*token_key"|"[^"]*token\.pem"', made / "token.pem"),
                              (r'"[^"]*api_keys"|"[^"]*api\.keys"', made / "api.keys"), (r'"/var/lib/flare/', None)):
            text = re.sub(pattern, f'"{folder}/' if path is None else f'"{path}"', text)
        (made / "server.toml").write_text(text)
        done = subprocess.run([flare, "server", "--check-config", "--config", f"{folder}/server.toml"], capture_output=True,
                              text=True)
        if done.returncode != 0:
            sys.exit(f"{what}: {done.stdout}{done.stderr}")


def main():
    try:
        import kubernetes  # noqa: F401
    except ImportError:
        print("skipped: there is no python3-kubernetes: scripts/setup.sh --deployment installs it")
        sys.exit(SKIPPED)
    if shutil.which("docker-compose") is None:
        print("skipped: there is no docker-compose: scripts/setup.sh --deployment installs it")
        sys.exit(SKIPPED)
    objects = check_kubernetes()
    check_compose()
    config = next(each for each in objects if each["kind"] == "ConfigMap")
    check_configuration(sys.argv[1], config["data"]["server.toml"], "packaging/kubernetes")
    check_configuration(sys.argv[1], (ROOT / "packaging/compose/server.toml").read_text(), "packaging/compose")
    print(f"manifests: {len(objects)} objects of Kubernetes, a compose file and two configurations are good")


main()
