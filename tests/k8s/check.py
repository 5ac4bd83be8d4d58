"""Checks k8s/: every overlay renders, every field of every object is known (custom resources too), pods meet
Pod Security's `restricted`, what `properties` promises holds, PromQL parses and each alert does what its fixture says. scripts/check-k8s runs it.

That the checks bite is checked too: a field that nobody knows, put into each object, must be refused.
"""

import copy
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import jsonschema
import kubernetes_validate
import yaml

import properties
from properties import pod_of

ROOT, TOOLS = Path(sys.argv[1]), Path(sys.argv[2])
KUBERNETES = "1.31"
OVERLAYS = ["k8s/overlays/one-node", "k8s/overlays/production", "tests/k8s/oauthbearer", "tests/k8s/s3"]
passed = 0
failed = []


def check(holds, what):
    global passed
    if holds:
        passed += 1
    else:
        failed.append(what)
        print(f"FAILED {what}")


def render(overlay):
    kubectl = shutil.which("kubectl")
    line = [kubectl, "kustomize"] if kubectl else [str(TOOLS / "bin/kustomize"), "build"]
    text = subprocess.run([*line, str(ROOT / overlay)], check=True, capture_output=True, text=True).stdout
    return [document for document in yaml.safe_load_all(text) if document]


def closed(schema):
    """The schema with every object closed: what it does not name is refused, as `kubectl --validate=strict` does."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: closed(value) for key, value in schema.items()}
    if out.pop("x-kubernetes-int-or-string", False):
        out.pop("type", None)
        out.pop("anyOf", None)
        out["type"] = ["integer", "string"]
    if out.get("type") == "object" and "properties" in out and not out.get("x-kubernetes-preserve-unknown-fields"):
        out.setdefault("additionalProperties", False)
    return out


def custom_schemas():
    found = {}
    for path in sorted((TOOLS / "crds").glob("*.yaml")):
        crd = yaml.safe_load(path.read_text())
        for version in crd["spec"]["versions"]:
            api = f"{crd['spec']['group']}/{version['name']}"
            schema = closed(version["schema"]["openAPIV3Schema"])
            # Metadata is the API server's own matter, and is the same for all.
            schema["properties"]["metadata"] = {"type": "object"}
            found[api, crd["spec"]["names"]["kind"]] = schema
    return found


CUSTOM = custom_schemas()


def flaw(document):
    """What is wrong with an object; None when nothing is."""
    schema = CUSTOM.get((document["apiVersion"], document["kind"]))
    try:
        if schema:
            jsonschema.Draft202012Validator(schema).validate(document)
        else:
            kubernetes_validate.validate(document, KUBERNETES, strict=True)
    except (jsonschema.ValidationError, kubernetes_validate.ValidationError) as error:
        return getattr(error, "message", str(error))
    return None


def restricted(name, pod):
    """Pod Security Standards, `restricted`, and no token of the Kubernetes API."""
    context = pod.get("securityContext", {})
    check(context.get("runAsNonRoot") is True, f"{name}: runAsNonRoot")
    check(context.get("seccompProfile", {}).get("type") == "RuntimeDefault", f"{name}: seccomp")
    check(pod.get("automountServiceAccountToken") is False, f"{name}: no service account token")
    check(not any(pod.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")), f"{name}: no host namespaces")
    volumes = ("configMap", "secret", "projected", "persistentVolumeClaim", "emptyDir")
    check(all(any(kind in volume for kind in volumes) for volume in pod.get("volumes", [])), f"{name}: volumes")
    for container in pod["containers"] + pod.get("initContainers", []):
        own, what = container.get("securityContext", {}), f"{name}/{container['name']}"
        check(own.get("allowPrivilegeEscalation") is False, f"{what}: no privilege escalation")
        check(own.get("readOnlyRootFilesystem") is True, f"{what}: read-only root")
        check(own.get("capabilities", {}).get("drop") == ["ALL"], f"{what}: no capabilities")
        check("memory" in container.get("resources", {}).get("limits", {}), f"{what}: a bound on memory")
        check("requests" in container.get("resources", {}), f"{what}: requests")
        mounts = {mount["name"] for mount in container.get("volumeMounts", [])}
        check(mounts <= {volume["name"] for volume in pod.get("volumes", [])}, f"{what}: mounts of volumes")


def references(overlay, documents):
    """Selectors select something, and names that are referred to are there."""
    named = {(document["kind"], document["metadata"]["name"]) for document in documents}
    labels = [document["spec"]["template"]["metadata"]["labels"] for document in documents if document["kind"] == "StatefulSet"]
    for document in documents:
        kind, name, spec = document["kind"], document["metadata"]["name"], document.get("spec", {})
        selector = spec.get("selector")
        if kind == "Service" or (kind == "PodDisruptionBudget"):
            wanted = selector if kind == "Service" else selector["matchLabels"]
            check(any(wanted.items() <= found.items() for found in labels), f"{overlay} {kind} {name} selects pods")
        if kind == "ScaledObject":
            target = spec["scaleTargetRef"]
            check((target["kind"], target["name"]) in named, f"{overlay} {kind} {name} scales something")
            check(all(("TriggerAuthentication", t["authenticationRef"]["name"]) in named for t in spec["triggers"]),
                  f"{overlay} {kind} {name} has its credentials")
        if kind == "ServiceMonitor":
            services = [d for d in documents if d["kind"] == "Service"]
            matching = [s for s in services if selector["matchLabels"].items() <= s["metadata"]["labels"].items()]
            check(len(matching) == 2, f"{overlay} ServiceMonitor finds both services")
        pod = pod_of(document)
        for volume in pod.get("volumes", []) if pod else []:
            for key, of, field in (("configMap", "ConfigMap", "name"), ("persistentVolumeClaim", "PersistentVolumeClaim", "claimName")):
                if key in volume:
                    check((of, volume[key][field]) in named, f"{overlay} {name}: {of} {volume[key][field]} is there")


def overlay(path):
    documents = render(path)
    kinds = {document["kind"] for document in documents}
    wanted = {"Namespace", "StatefulSet", "Service", "PodDisruptionBudget", "NetworkPolicy"}
    if "one-node" not in path:
        wanted |= {"ServiceMonitor", "PrometheusRule", "ScaledObject", "TriggerAuthentication", "CronJob"}
    check(wanted <= kinds, f"{path} has {wanted - kinds or 'all'}")
    for document in documents:
        name = f"{path} {document['kind']} {document['metadata']['name']}"
        found = flaw(document)
        check(found is None, f"{name}: {found}")
        wrong = copy.deepcopy(document)
        wrong.setdefault("spec" if "spec" in wrong else "metadata", {})["bogusField"] = True
        if document["kind"] not in ("ConfigMap", "Namespace", "ServiceAccount"):
            check(flaw(wrong) is not None, f"{name}: an unknown field is refused")
        if pod_of(document):
            restricted(name, pod_of(document))
    deny = [d for d in documents if d["kind"] == "NetworkPolicy" and d["spec"]["podSelector"] == {}
            and set(d["spec"]["policyTypes"]) == {"Ingress", "Egress"} and "ingress" not in d["spec"] and "egress" not in d["spec"]]
    check(len(deny) == 1, f"{path} denies by default")
    references(path, documents)
    for promise in properties.ALL:
        promise(check, path, documents)
    return documents


def promtool(folder, *arguments):
    done = subprocess.run([str(TOOLS / "bin/promtool"), *arguments], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        print(done.stdout, done.stderr)
    return done.returncode == 0


def alerts(documents):
    monitoring = ROOT / "k8s/components/monitoring"
    (rule,) = [document for document in documents if document["kind"] == "PrometheusRule"]
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "alerts.rules.yaml").write_text(yaml.safe_dump(rule["spec"], allow_unicode=True))
        check(promtool(folder, "check", "rules", "--lint=all", "--lint-fatal", "alerts.rules.yaml"), "promtool check rules")
        fixtures = (monitoring / "alerts.test.yaml").read_text()
        (folder / "alerts.test.yaml").write_text(fixtures.replace("k8s/runbook/", f"{pages(documents)}/runbook/"))
        check(promtool(folder, "test", "rules", "alerts.test.yaml"), "promtool test rules")
        board = json.loads((monitoring / "dashboard.json").read_text())
        expressions = dashboard(board)
        (folder / "held.yaml").write_text(yaml.safe_dump(handed_over(held(board))))
        check(promtool(folder, "test", "rules", "held.yaml"), "`Partitions held` counts a partition once while two show it")
        record = [{"record": f"panel:{at}", "expr": text} for at, text in enumerate(expressions)]
        (folder / "panels.yaml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": record}]}))
        check(promtool(folder, "check", "rules", "--lint=none", "panels.yaml"), "promtool reads the dashboard's expressions")
    names = [one["alert"] for group in rule["spec"]["groups"] for one in group["rules"]]
    tests = yaml.safe_load((monitoring / "alerts.test.yaml").read_text())["tests"]
    for name in names:
        played = [one["exp_alerts"] for test in tests for one in test["alert_rule_test"] if one["alertname"] == name]
        check(any(played) and not all(played), f"{name} has a fixture in which it is silent and one in which it is raised")


def dashboard(board):
    ids = [panel["id"] for panel in board["panels"]]
    check(len(ids) == len(set(ids)), "panels of the dashboard have ids of their own")
    expressions = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    expressions += [one["expr"] for one in board["annotations"]["list"]]
    return [text.replace("$__rate_interval", "5m") for text in expressions]


def pages(documents):
    """Where the runbook is read; each alert leads to a page there that is one of ours."""
    (space,) = properties.of_kind(documents, "Namespace")
    base = space["metadata"]["annotations"]["duecourse.io/pages"]
    check(base.startswith("https://"), "the runbook is at an address that Alertmanager can lead to")
    for rule in properties.of_kind(documents, "PrometheusRule"):
        for one in [one for group in rule["spec"]["groups"] for one in group["rules"]]:
            start, _, page = one["annotations"]["runbook_url"].rpartition("/runbook/")
            check(start == base and (ROOT / "k8s/runbook" / page).is_file(), f"{one['alert']} leads to its page")
    return base


def held(board):
    (panel,) = [panel for panel in board["panels"] if panel["title"] == "Partitions held"]
    return panel["targets"][0]["expr"]


def handed_over(expression):
    """A partition whose old and new holder both show it for one scrape, and what the expression makes of it."""
    shown = {("0", "decide-0"): "1x80", ("1", "decide-0"): "1x40 stale", ("1", "decide-1"): "_x40 0 1x40"}
    name = "duecourse_partition_recovered"
    series = [{"series": f'{name}{{partition="{partition}",instance="{pod}:9464"}}', "values": values}
              for (partition, pod), values in shown.items()]
    asked = [{"expr": expression, "eval_time": at, "exp_samples": [{"labels": "{}", "value": 2}]} for at in ("5m", "10m", "15m")]
    return {"tests": [{"interval": "15s", "input_series": series, "promql_expr_test": asked}]}


def left_of_the_example(documents):
    """What whoever deploys has to set for themselves, and has not: hosts and keys of the example."""
    text = yaml.safe_dump_all(documents)
    return sorted(set(re.findall(r"[a-z0-9.-]*\bexample\.com[a-z0-9./-]*|\bexample-2026\b", text)))


rendered = {path: overlay(path) for path in OVERLAYS}
alerts(rendered["k8s/overlays/production"])
check(len(left_of_the_example(rendered["k8s/overlays/production"])) >= 3, "an overlay that is still the example is told from one that is not")
for path in sys.argv[3:]:
    left = left_of_the_example(overlay(path))
    check(not left, f"{path}: to be set still: {left}")
print(f"{passed} passed, {len(failed)} failed")
sys.exit(1 if failed else 0)
