"""What deployments of ours promise besides being valid: each is looked at in every overlay that is rendered.

A promise that no field of a schema demands is kept only while somebody looks; what stands here cannot be
deleted from a manifest unnoticed.
"""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

HTTP = 9464
ZONE, NODE = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
PROMETHEUS = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
DESK = {"podSelector": {"matchLabels": {"duecourse.io/reviewers-desk": "true"}}}


def pod_of(document):
    kind, spec = document["kind"], document.get("spec", {})
    if kind in ("StatefulSet", "Deployment", "Job"):
        return spec["template"]["spec"]
    if kind == "CronJob":
        return spec["jobTemplate"]["spec"]["template"]["spec"]
    return None


def of_kind(documents, kind):
    return [document for document in documents if document["kind"] == kind]


def settings(documents):
    (found,) = [document for document in of_kind(documents, "ConfigMap") if "duecourse.toml" in document["data"]]
    return tomllib.loads(found["data"]["duecourse.toml"])


def component(document):
    return document["metadata"]["labels"]["app.kubernetes.io/component"]


def spread(check, path, documents):
    """Pods of one kind stand apart, by zone and by node, so that one of either may go."""
    for document in of_kind(documents, "StatefulSet"):
        own = document["spec"]["template"]["metadata"]["labels"]
        constraints = pod_of(document).get("topologySpreadConstraints", [])
        apart = {one["topologyKey"] for one in constraints
                 if one["maxSkew"] == 1 and "app.kubernetes.io/component" in one["labelSelector"]["matchLabels"]
                 and one["labelSelector"]["matchLabels"].items() <= own.items()}
        check(apart == {ZONE, NODE}, f"{path} {document['metadata']['name']}: spread by zone and node, and is by {apart}")


def mounts(check, path, documents):
    """No volume and no mount stands twice: components that are put over one another would do that."""
    for document in documents:
        pod = pod_of(document)
        for container in (pod["containers"] + pod.get("initContainers", [])) if pod else []:
            places = [mount["mountPath"] for mount in container.get("volumeMounts", [])]
            names = [volume["name"] for volume in pod.get("volumes", [])]
            once = len(places) == len(set(places)) and len(names) == len(set(names))
            check(once, f"{path} {document['metadata']['name']}/{container['name']}: each mounted once")


def who_comes_in(check, path, documents):
    """Prometheus and the reviewers' desk reach the read view of every pod; nobody else, and nothing else."""
    rules = [rule for document in of_kind(documents, "NetworkPolicy") for rule in document["spec"].get("ingress", [])]
    check(len(rules) == 1, f"{path}: one rule lets in")
    for rule in rules:
        callers = rule.get("from", [])
        check(all(one in callers for one in (PROMETHEUS, DESK)), f"{path}: Prometheus and the desk come in")
        check(len(callers) == 2, f"{path}: nobody else comes in")
        check(rule.get("ports") == [{"protocol": "TCP", "port": HTTP}], f"{path}: in to {HTTP} alone")
    (opened,) = [d["spec"] for d in of_kind(documents, "NetworkPolicy") if d["spec"].get("ingress")] or [{}]
    check(opened.get("podSelector") == {}, f"{path}: in to every pod")


def goes_out(documents, name):
    """Namespaces and ports that the pods of a component reach."""
    found = set()
    for document in of_kind(documents, "NetworkPolicy"):
        selector = document["spec"]["podSelector"]
        wanted = [value for one in selector.get("matchExpressions", []) for value in one["values"]]
        if selector and name not in wanted:
            continue
        for rule in document["spec"].get("egress", []):
            spaces = [to["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for to in rule["to"]]
            found |= {(space, port["port"]) for space in spaces for port in rule["ports"]}
    return found


def place(address):
    """Namespace and port of `name.namespace.svc:port`."""
    host, port = address.removeprefix("http://").removeprefix("https://").rsplit(":", 1)
    return host.split(".")[1], int(port)


def ways_out(check, path, documents):
    """Names and brokers for all; a bucket for those that have snapshots, and for nobody else."""
    config = settings(documents)
    bucket = config.get("snapshots", {}).get("s3", {}).get("endpoint")
    for document in of_kind(documents, "StatefulSet") + of_kind(documents, "CronJob"):
        name, pod = component(document), pod_of(document)
        out = goes_out(documents, name)
        check(("kube-system", 53) in out and place(config["kafka"]["bootstrap_servers"]) in out, f"{path} {name}: out to names and brokers")
        folders = [mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]]
        if name == "intake":
            check(not bucket or place(bucket) not in out, f"{path} {name}: not out to the bucket")
        elif bucket:
            check(place(bucket) in out, f"{path} {name}: out to the bucket")
            check(config["snapshots"]["s3"]["credentials_file"].rsplit("/", 1)[0] in folders, f"{path} {name}: credentials of the bucket")
        else:
            check(config["snapshots"]["dir"].rsplit("/", 1)[0] in folders, f"{path} {name}: the folder of snapshots")
    check(bool(bucket) != bool(of_kind(documents, "PersistentVolumeClaim")), f"{path}: a volume or a bucket, not both")


def credentials(check, path, documents):
    """With a token file every pod has the token, and nothing of passwords is left; without one nobody has it."""
    config = settings(documents)
    token = config["kafka"].get("oauth_token_file")
    for document in documents:
        pod = pod_of(document)
        for container in pod["containers"] if pod else []:
            places = {mount["mountPath"]: mount["name"] for mount in container.get("volumeMounts", [])}
            source = {volume["name"]: volume for volume in pod["volumes"]}.get(places.get("/run/secrets/token"), {})
            names = [one["serviceAccountToken"]["path"] for one in source.get("projected", {}).get("sources", [])]
            wanted = [token.rsplit("/", 1)[1]] if token else []
            check(names == wanted, f"{path} {document['metadata']['name']}: token {wanted}, and is {names}")
    sasl = [trigger["metadata"]["sasl"] for scaled in of_kind(documents, "ScaledObject") for trigger in scaled["spec"]["triggers"]]
    given = {one["parameter"] for auth in of_kind(documents, "TriggerAuthentication") for one in auth["spec"]["secretTargetRef"]}
    # What KEDA's scaler refuses to begin without (pkg/scalers/kafka_scaler.go, parseSaslOAuthBearerParams).
    needs = {"username", "password"} | ({"oauthTokenEndpointUri"} if token else set())
    check(set(sasl) <= {"oauthbearer" if token else "scram_sha512"} and (not sasl or needs <= given), f"{path}: the scaler's credentials")
    if token:
        secrets = {name for document in documents for name in secret_names(document)}
        check("duecourse-kafka" not in secrets, f"{path}: the secret of SCRAM is read by nobody")
        properties = {**config["kafka"].get("properties", {}), **config["kafka"].get("property_files", {})}
        check(not any(name.startswith("sasl.") for name in properties), f"{path}: no sasl.* property")


def secret_names(document):
    """Secrets that a pod mounts or that a scaler reads."""
    if document["kind"] == "TriggerAuthentication":
        return [one["name"] for one in document["spec"]["secretTargetRef"]]
    pod = pod_of(document)
    return [volume["secret"]["secretName"] for volume in pod.get("volumes", []) if "secret" in volume] if pod else []


UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "m": 1e-3, "": 1}
BESIDE_BYTES = 256 * 2**20


def amount(text):
    """A quantity as Kubernetes writes it."""
    number, unit = re.fullmatch(r"([0-9.]+)(Ki|Mi|Gi|m|)", str(text)).groups()
    return float(number) * UNITS[unit]


def table(text, head):
    """Rows of a table of Markdown by their first cell."""
    lines = text[text.index(f"| {head}"):].split("\n\n")[0].splitlines()[2:]
    return {cells[0]: cells[1:] for cells in ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)}


def figure(text):
    return float(re.search(r"[0-9][0-9.,]*", text)[0].rstrip(".,").replace(",", ""))


def sizes(check, path, documents):
    """Pods ask for what the measured figures of k8s/README.md come to, and the figures are those of benches/README.md."""
    text, benches = (ROOT / "k8s/README.md").read_text(), (ROOT / "benches/README.md").read_text()
    measured = table(text, "measured")
    for quoted in re.findall(r"[0-9,]{5,}", measured["state"][0]):
        check(quoted in benches, f"k8s/README.md: {quoted} stands in benches/README.md")
    entry, usual, worst, decide, intake = [figure(row[1]) for row in measured.values()]
    needs = re.findall(r"([0-9,]+) MB of [0-9,]+ subjects with ([0-9,]+)|([0-9,]+) MB of [0-9,]+ with ([0-9,]+)", measured["state"][0])
    for row in needs:
        megabytes, entries = [figure(cell) for cell in row if cell]
        check(megabytes * 1e6 / entries <= entry, f"k8s/README.md: {entry} bytes an entry, and {row} is more")
    check(len(needs) == 2, "k8s/README.md: two measured states")
    subjects, each, events = [figure(cell) for cell in table(text, "overlay")["one-node" if "one-node" in path else "production"]]
    config = {**tomllib.loads((ROOT / "config/default.toml").read_text())["kafka"], **settings(documents)["kafka"]}
    waiting = tomllib.loads((ROOT / "config/default.toml").read_text())["decide"]["waiting_bytes_max"]
    beside = config["facts_partitions"] * waiting + BESIDE_BYTES
    state = subjects * each * entry
    for document in of_kind(documents, "StatefulSet"):
        asked = pod_of(document)["containers"][0]["resources"]
        name, cpu = component(document), amount(asked["requests"]["cpu"])
        check(cpu >= events * (decide if name == "decide" else intake) / 1e6, f"{path} {name}: CPU of {events:.0f} events a second, and is {cpu}")
        if name == "decide":
            wanted = {"requests": usual * state + beside, "limits": worst * state + beside}
            for key, least in wanted.items():
                given = amount(asked[key]["memory"])
                check(least <= given <= 2 * least, f"{path} {name}: memory {key} of {least / 2**30:.2f} Gi, and is {given / 2**30:.2f} Gi")


ALL = [spread, mounts, who_comes_in, ways_out, credentials, sizes]
