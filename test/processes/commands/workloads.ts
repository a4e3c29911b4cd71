// What keeps pods running, how it is changed, and what runs in the pods.
import { fails, ok, type Scenario, soon } from "../../kit/command_lines.ts";
import { daemonSet, deployment } from "./manifests.ts";

const image = "-o 'jsonpath={.spec.template.spec.containers[0].image}'";
const done = "--timeout=60s";

export const rollingOut: Scenario = {
  name: "rolling-out",
  lines: [
    ok("apply -f -", undefined, { input: deployment() }),
    ok(`rollout status deploy/web ${done}`, /deployment "web" successfully rolled out\n$/),
    ok("rollout history deploy/web", /^deployment\.apps\/web *\nREVISION +CHANGE-CAUSE\n1 +<none>\n/),
    ok("set image deploy/web main=registry.example/web:2", "deployment.apps/web image updated\n"),
    ok("annotate deploy web kubernetes.io/change-cause=two"),
    ok(`rollout status deploy/web ${done}`, /successfully rolled out\n$/),
    soon("rollout history deploy/web", /^1 +<none>\n2 +two\n/m),
    ok("rollout history deploy/web --revision=2", /revision #2\nPod Template:\n[\s\S]*Image:\s+registry\.example\/web:2\n/),
    fails("rollout history deploy/web --revision=9", /unable to find the specified revision/),
    ok("rollout undo deploy/web --dry-run=server", /deployment\.apps\/web (rolled back|skipped rollback).*|server dry run/),
    ok("rollout undo deploy/web", "deployment.apps/web rolled back\n"),
    ok(`get deploy web ${image}`, "registry.example/web:1"),
    ok(`rollout status deploy/web ${done}`, /successfully rolled out\n$/),
    soon("rollout history deploy/web", /^2 +two\n3 +<none>\n/m),
    ok("rollout undo deploy/web --to-revision=2", "deployment.apps/web rolled back\n"),
    ok(`get deploy web ${image}`, "registry.example/web:2"),
    fails("rollout undo deploy/web --to-revision=9", /unable to find specified revision 9 in history/),
    ok("rollout pause deploy/web", "deployment.apps/web paused\n"),
    fails("rollout pause deploy/web", /is already paused/),
    fails("rollout restart deploy/web", /can't restart paused deployment/),
    ok("rollout resume deploy/web", "deployment.apps/web resumed\n"),
    fails("rollout resume deploy/web", /is not paused/),
    ok("rollout restart deploy/web", "deployment.apps/web restarted\n"),
    ok(`rollout status deploy/web ${done}`, /successfully rolled out\n$/),
    ok("rollout status deploy/web --watch=false", /successfully rolled out\n$/),
    ok("set env deploy/web A=B", "deployment.apps/web env updated\n"),
    ok("set env deploy/web --list", /A=B/),
    ok("set env deploy/web A-", "deployment.apps/web env updated\n"),
    ok("set resources deploy/web --limits=cpu=200m,memory=64Mi --requests=cpu=100m", "deployment.apps/web resource requirements updated\n"),
    ok("create sa robot"),
    ok("set serviceaccount deploy/web robot", "deployment.apps/web serviceaccount updated\n"),
    ok("set image deploy/web main=registry.example/web:3 --dry-run=server", /deployment\.apps\/web image updated \(server dry run\)\n/),
    ok(`rollout status deploy/web ${done}`, /successfully rolled out\n$/),
    ok("expose deploy web --port=80"),
    ok("set selector svc web app=other", "service/web selector updated\n"),
    ok("create rolebinding rb --clusterrole=view --user=a"),
    ok("set subject rolebinding rb --user=b", "rolebinding.rbac.authorization.k8s.io/rb subjects updated\n"),

    ok("apply -f -", "daemonset.apps/watcher created\n", { input: daemonSet() }),
    ok(`rollout status ds/watcher ${done}`, /daemon set "watcher" successfully rolled out\n$/),
    ok("set image ds/watcher main=registry.example/watcher:2", "daemonset.apps/watcher image updated\n"),
    ok(`rollout status ds/watcher ${done}`, /successfully rolled out\n$/),
    ok("rollout history ds/watcher", /^1 +<none>\n2 +<none>\n/m),
    ok("rollout history ds/watcher --revision=1", /Image:\s+registry\.example\/watcher:1\n/),
    ok("rollout undo ds/watcher", "daemonset.apps/watcher rolled back\n"),
    ok(`get ds watcher ${image}`, "registry.example/watcher:1"),
    ok(`rollout status ds/watcher ${done}`, /successfully rolled out\n$/),
    ok("rollout restart ds/watcher", "daemonset.apps/watcher restarted\n"),
    ok(`rollout status ds/watcher ${done}`, /successfully rolled out\n$/),
    ok("get ds", /^NAME +DESIRED +CURRENT +READY +UP-TO-DATE +AVAILABLE +NODE SELECTOR +AGE\nwatcher +\d +\d +\d +\d +\d +<none> /),
    fails("rollout status deploy/nobody", /deployments\.apps "nobody" not found/),
    ok("delete ds watcher"),
  ],
};

const talking = `
apiVersion: v1
kind: Pod
metadata: {name: talk, labels: {app: talk}}
spec:
  containers:
  - {name: one, image: "registry.example/web:1", command: [sh, -c, "echo from one; sleep 3600"]}
  - {name: two, image: "registry.example/web:1", command: [sh, -c, "echo from two; sleep 3600"]}
`;
export const insidePods: Scenario = {
  name: "inside-pods",
  lines: [
    ok("apply -f -", undefined, { input: talking }),
    ok("apply -f -", undefined, { input: deployment() }),
    ok("wait --for=condition=Ready pod/talk --timeout=60s"),
    ok(`rollout status deploy/web ${done}`),
    soon("logs talk", "from one\n"),
    soon("logs talk -c two", "from two\n"),
    ok("logs talk --all-containers --prefix", /^(\[pod\/talk\/one\] from one\n|\[pod\/talk\/two\] from two\n){2}$/),
    ok("logs talk -c one --timestamps --tail=1", /^\d{4}-\d\d-\d\dT\S+ from one\n$/),
    ok("logs -l app=talk --tail=-1", /from one\n/),
    ok("logs talk -c one --limit-bytes=4", "from"),
    ok("logs talk -c one --since=1h", "from one\n"),
    ok("logs talk -c one -f", "from one\n", { forMs: 2_500 }),
    fails("logs talk -c three", /container three is not valid for pod talk/),
    fails("logs talk -c one --previous", /previous terminated container "one" in pod "talk" not found/),
    ok("logs deploy/web --tail=1", undefined, { err: /Found 2 pods, using pod\/web-/ }),
    fails("logs nobody", /pods "nobody" not found/),
    ok("exec talk -c two -- sh -c 'echo in; exit 3'", "in\n", { code: 3 }),
    ok("exec deploy/web -- hostname", /^web-\S+\n$/),
    ok("exec talk -- hostname", "talk\n", { err: /Defaulted container "one" out of: one, two/ }),
    fails("exec nobody -- ls", /pods "nobody" not found/),
    ok("attach talk -c one --pod-running-timeout=5s", undefined, { forMs: 2_500 }),
  ],
};
