// Nodes and who may do what.
import { fails, ok, type Scenario, soon } from "../../kit/command_lines.ts";
import { daemonSet, deployment } from "./manifests.ts";

const budget = `
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 3, selector: {matchLabels: {app: web}}}
`;
export const keepingNodes: Scenario = {
  name: "keeping-nodes",
  alone: true,
  lines: [
    ok("get nodes", /^NAME +STATUS +ROLES +AGE +VERSION\nemu-0 +Ready +\S+ +\S+ +\S+\n/),
    ok("get nodes -o wide", /INTERNAL-IP +EXTERNAL-IP +OS-IMAGE +KERNEL-VERSION +CONTAINER-RUNTIME\n/),
    ok("label node emu-1 place=%NS", "node/emu-1 labeled\n"),
    ok("get nodes -l place=%NS -o name", "node/emu-1\n"),
    ok("label node emu-1 place-", "node/emu-1 unlabeled\n"),
    ok("taint node emu-1 wet=yes:NoSchedule", "node/emu-1 tainted\n"),
    fails("taint node emu-1 wet=no:NoSchedule", /already has wet taint\(s\) with same effect\(s\) and --overwrite is false/),
    ok("taint node emu-1 wet=no:NoSchedule --overwrite", "node/emu-1 modified\n"),
    ok("taint node emu-1 wet-", "node/emu-1 untainted\n"),
    fails("taint node emu-1 wet-", /taint "wet" not found/),
    ok("cordon emu-1", "node/emu-1 cordoned\n"),
    ok("cordon emu-1", "node/emu-1 already cordoned\n"),
    ok("get node emu-1 --no-headers", /^emu-1 +Ready,SchedulingDisabled /),
    ok("uncordon emu-1", "node/emu-1 uncordoned\n"),
    ok("uncordon emu-1", "node/emu-1 already uncordoned\n"),
    fails("cordon nobody", /nodes "nobody" not found/),

    ok("cordon emu-0 emu-2"), // so that what is to be moved is on emu-1
    ok("apply -f -", undefined, { input: deployment({ replicas: 3 }) }),
    ok("apply -f -", undefined, { input: daemonSet() }),
    ok("apply -f -", "poddisruptionbudget.policy/web created\n", { input: budget, err: "" }),
    ok("rollout status deploy/web --timeout=60s"),
    ok("rollout status ds/watcher --timeout=60s"),
    ok("uncordon emu-0 emu-2"),
    soon("get pdb web", /^NAME .*\nweb +3 +N\/A +0 /),
    ok('run bare --image=registry.example/web:1 \'--overrides={"spec":{"nodeName":"emu-1"}}\''),
    ok("wait --for=condition=Ready pod/bare --timeout=60s"),
    fails("drain emu-1", /cannot delete DaemonSet-managed Pods \(use --ignore-daemonsets to ignore\): %NS\/watcher-/),
    fails("drain emu-1 --ignore-daemonsets", /cannot delete.*Pods.* declare no controller \(use --force to override\): .*%NS\/bare/),
    fails(
      "drain emu-1 --ignore-daemonsets --force --timeout=8s",
      /error when evicting pods?\/?"?s? ?"web-\S+" -n "%NS" \(will retry after 5s\): Cannot evict pod as it would violate the pod's disruption budget\./,
    ),
    ok("get pods -l app=web --field-selector spec.nodeName=emu-1 -o name", /^pod\/web-/),
    ok('patch pdb web --type=merge -p \'{"spec":{"minAvailable":2}}\'', "poddisruptionbudget.policy/web patched\n"),
    soon("get pdb web", /^NAME .*\nweb +2 +N\/A +1 /),
    ok("drain emu-1 --ignore-daemonsets --force --dry-run=server", /node\/emu-1 drained \(server dry run\)/),
    ok("drain emu-1 --ignore-daemonsets --force --timeout=60s", /evicting pod %NS\/web-[\s\S]*node\/emu-1 drained\n$/),
    ok("get pods -l app=web --field-selector spec.nodeName=emu-1 -o name", ""),
    ok("get pods -l app=watcher --field-selector spec.nodeName=emu-1 -o name", /^pod\/watcher-/),
    ok("wait --for=condition=Available deploy/web --timeout=60s"),
    ok("uncordon emu-1", "node/emu-1 uncordoned\n"),
    ok("delete deploy/web ds/watcher pdb/web"),
  ],
};

/** Of "jane", by a key that nobody has any more. */
const signingRequest = [
  "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlISk1IRUNBUUF3RHpFTk1Bc0dBMVVFQXd3RWFtRnVaVEJaTUJNR0J5cUdTTTQ5QWdFR0ND",
  "cUdTTTQ5QXdFSApBMElBQkpqOFpzWFlnZGxjVk15ZFlPb2ZZS1FSeWFoZHdQRUpLbWlEVEE2V1F1U3JEZEZ4YmxZc2JhenkweW0vCi9hUW1uSmszNUkzaVUz",
  "OUg2QUhmaFJXbUFreWdBREFLQmdncWhrak9QUVFEQWdOSUFEQkZBaUI2ZWJLNjFSWDgKQWFicDNQRG5Tbi84MUw4bUFseHFkQUFUOFhCQXhRUzJOQUloQUlH",
  "Y1puRjg4ZDNwNGhhOEplLzZqenU2MGV6VQpWR3RHUytoeEVRY1pSR0s5Ci0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo=",
].join("");
const csr = (name: string): string => `
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {name: %NS-${name}}
spec: {signerName: example.com/own, usages: [client auth], request: ${signingRequest}}
`;
export const access: Scenario = {
  name: "access",
  lines: [
    ok("auth can-i create pods", "yes\n"),
    ok("auth can-i '*' '*' --all-namespaces", "yes\n"),
    fails("auth can-i create pods --as=jane", "", { out: "no\n" }),
    ok("create role reads --verb=get,list --resource=pods"),
    ok("create rolebinding reads --role=reads --user=jane"),
    soon("auth can-i list pods --as=jane", "yes\n"),
    fails("auth can-i delete pods --as=jane -q", "", { out: "" }),
    ok("auth can-i --list --as=jane", /^Resources +Non-Resource URLs +Resource Names +Verbs\n[\s\S]*^pods +\[\] +\[\] +\[get list\]$/m),
    ok("get pods --as=jane", "", { err: "No resources found in %NS namespace.\n" }),
    fails(
      "get cm --as=jane",
      /\(Forbidden\): configmaps is forbidden: User "jane" cannot list resource "configmaps" in API group "" in the namespace "%NS"/,
    ),
    ok("auth whoami", /Username +skerry-admin\n/),
    ok("auth whoami --as=jane --as-group=crew -o jsonpath={.status.userInfo.username}", "jane"),
    ok("auth reconcile -f -", /role\.rbac\.authorization\.k8s\.io\/reads reconciled/, {
      input:
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: reads, namespace: %NS}\nrules:\n- {apiGroups: [''], resources: [services], verbs: [get]}\n",
    }),
    ok("get role reads -o 'jsonpath={.rules[*].resources}'", '["pods"] ["services"]'),
    ok("apply -f -", "certificatesigningrequest.certificates.k8s.io/%NS-a created\n", { input: csr("a") }),
    ok("apply -f -", "certificatesigningrequest.certificates.k8s.io/%NS-b created\n", { input: csr("b") }),
    ok(
      "get csr %NS-a",
      /^NAME +AGE +SIGNERNAME +REQUESTOR +REQUESTEDDURATION +CONDITION\n%NS-a +\S+ +example\.com\/own +skerry-admin +<none> +Pending\n$/,
    ),
    ok("certificate approve %NS-a", "certificatesigningrequest.certificates.k8s.io/%NS-a approved\n"),
    ok("certificate deny %NS-b", "certificatesigningrequest.certificates.k8s.io/%NS-b denied\n"),
    ok("get csr %NS-a %NS-b --no-headers", /^%NS-a .* Approved\n%NS-b .* Denied\n$/),
    ok("describe csr %NS-a", /Requesting User: +skerry-admin\n[\s\S]*Status: +Approved\n[\s\S]*Common Name: +jane\n/),
    fails("certificate approve %NS-nobody", /certificatesigningrequests\.certificates\.k8s\.io "%NS-nobody" not found/),
    ok("delete csr %NS-a %NS-b"),
  ],
};

export const measuring: Scenario = {
  name: "measuring",
  lines: [
    ok("apply -f -", undefined, { input: deployment() }),
    ok("rollout status deploy/web --timeout=60s"),
    soon("top nodes", /^NAME +CPU\(cores\) +CPU.* +MEMORY\(bytes\) +MEMORY.*\nemu-0 +\d+m +\d+% +\d+Mi +\d+%/),
    ok("top node emu-1 --no-headers", /^emu-1 +\d+m +\d+% +\d+Mi +\d+% *\n$/),
    soon("top pods", /^NAME +CPU\(cores\) +MEMORY\(bytes\) *\n(web-\S+ +\d+m +\d+Mi *\n){2}$/),
    ok("top pods --containers -l app=web", /^POD +NAME +CPU\(cores\) +MEMORY\(bytes\) *\nweb-\S+ +main +\d+m +\d+Mi/),
    ok("top pods -A --sort-by=cpu --no-headers", /^%NS +web-\S+ +\d+m /m),
    ok("top pods -l app=bogus", "", { err: "No resources found in %NS namespace.\n" }),
    fails("top node nobody", /nodes(\.metrics\.k8s\.io)? "nobody" not found/),
    ok("get --raw /apis/metrics.k8s.io/v1beta1/nodes/emu-0", /^\{"apiVersion":"metrics\.k8s\.io\/v1beta1","kind":"NodeMetrics"/),
    ok("get pods.metrics.k8s.io", /^NAME +CPU +MEMORY +WINDOW\nweb-/),
    fails("delete pods.metrics.k8s.io --all", /MethodNotAllowed|does not allow this method/),
    ok("delete deploy web"),
  ],
};
