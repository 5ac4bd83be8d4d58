"""What deployments of ours promise besides being valid: each is looked at in every overlay that is rendered.

A promise that no field of a schema demands is kept only while somebody looks; what stands here cannot be
deleted from a manifest unnoticed.
"""

import tomllib

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


ALL = [spread, mounts, who_comes_in, ways_out, credentials]
