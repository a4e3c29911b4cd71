"""The official Python client, as programs use it: every line that it prints is one step and what came of it, as JSON. Its argument is a kubeconfig."""
import json
import sys

from kubernetes import client, config, dynamic, watch
from kubernetes.client.rest import ApiException
from kubernetes.stream import stream

config.load_kube_config(sys.argv[1])
core, apps = client.CoreV1Api(), client.AppsV1Api()
space = "default"


def tell(step, what):
    print(json.dumps([step, what]), flush=True)


def refused(call, *args, **more):
    try:
        call(*args, **more)
    except ApiException as error:
        status = json.loads(error.body)
        return [error.status, status["reason"], status["message"]]
    return None


tell("version", client.VersionApi().get_code().major)
tell("namespaces", "default" in [item.metadata.name for item in core.list_namespace().items])

labels = {"app": "python"}
made = core.create_namespaced_config_map(space, client.V1ConfigMap(metadata=client.V1ObjectMeta(name="py", labels=labels), data={"a": "1"}))
tell("create", made.data)
tell("merge patch", core.patch_namespaced_config_map("py", space, {"data": {"b": "2"}}).data)
tell("json patch", core.patch_namespaced_config_map("py", space, [{"op": "remove", "path": "/data/a"}]).data)
made.data = {"stale": "yes"}
tell("conflict", refused(core.replace_namespaced_config_map, "py", space, made)[:2])
tell("exists", refused(core.create_namespaced_config_map, space, client.V1ConfigMap(metadata=client.V1ObjectMeta(name="py"))))
tell("not found", refused(core.read_namespaced_config_map, "nobody", space))
tell("invalid", refused(core.create_namespaced_config_map, space, client.V1ConfigMap(metadata=client.V1ObjectMeta(name="X_Y")))[:2])
tell("selected", [item.metadata.name for item in core.list_namespaced_config_map(space, label_selector="app=python").items])

# What an informer does: a list, and from its version on whatever happens.
seen, version = [], core.list_namespaced_config_map(space).metadata.resource_version
core.patch_namespaced_config_map("py", space, {"data": {"c": "3"}})
core.delete_namespaced_config_map("py", space)
for event in watch.Watch().stream(core.list_namespaced_config_map, space, resource_version=version, timeout_seconds=60):
    seen.append([event["type"], event["object"].metadata.name])
    if event["type"] == "DELETED":
        break
tell("watched", seen)

pages, following = [], None
while True:
    page = client.RbacAuthorizationV1Api().list_cluster_role(limit=4, _continue=following)
    pages.append(len(page.items))
    following = page.metadata._continue
    if not following:
        break
tell("pages", [max(pages), sum(pages) == len(client.RbacAuthorizationV1Api().list_cluster_role().items)])

template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "registry.example/web:1"}]}}
wanted = {"metadata": {"name": "py"}, "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}}
tell("has a status from the beginning", apps.create_namespaced_deployment(space, wanted).status is not None)
for event in watch.Watch().stream(apps.list_namespaced_deployment, space, field_selector="metadata.name=py", timeout_seconds=120):
    if event["object"].status.ready_replicas == 2:
        break
tell("ready", apps.read_namespaced_deployment_status("py", space).status.ready_replicas)
tell("scaled", apps.patch_namespaced_deployment_scale("py", space, {"spec": {"replicas": 1}}).spec.replicas)

pod = core.create_namespaced_pod(space, {"metadata": {"name": "py"}, "spec": template["spec"]})
for event in watch.Watch().stream(core.list_namespaced_pod, space, field_selector="metadata.name=py", timeout_seconds=120):
    if event["object"].status.phase == "Running":
        break
tell("log", isinstance(core.read_namespaced_pod_log("py", space), str))
run = lambda *command: stream(core.connect_get_namespaced_pod_exec, "py", space, command=list(command), stdout=True, stderr=True, _preload_content=False)
process = run("sh", "-c", "echo out; echo err >&2; exit 7")
process.run_forever(timeout=30)
tell("exec", [process.read_stdout(), process.read_stderr(), process.returncode])

found = dynamic.DynamicClient(client.ApiClient())
leases = found.resources.get(api_version="coordination.k8s.io/v1", kind="Lease")
applied = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "py"}, "spec": {"holderIdentity": "python"}}
tell("dynamic create", leases.create(body=applied, namespace=space).spec.holderIdentity)
tell("dynamic", leases.get(name="py", namespace=space).metadata.name)
tell("deleted", core.delete_namespaced_pod("py", space, grace_period_seconds=0).metadata.name)
