// The Pod that is sent and fetched: 3.5 KB as it is stored, of the size and kind that people have, with an annotation, probes, a volume and limits.

const labels = { app: "telemetry", tier: "edge", "app.kubernetes.io/part-of": "harbour", "app.kubernetes.io/version": "1.4.2" };
const probe = (path: string) => ({
  httpGet: { path, port: 8080, scheme: "HTTP" },
  initialDelaySeconds: 2,
  timeoutSeconds: 1,
  periodSeconds: 10,
  successThreshold: 1,
  failureThreshold: 3,
});
const container = (name: string) => ({
  name,
  image: `registry.example.net/harbour/${name}:1.4.2`,
  args: ["--listen=:8080", "--log-format=json", "--batch=200", `--source=/etc/${name}/sources.yaml`],
  ports: [{ name: "http", containerPort: 8080, protocol: "TCP" }],
  env: Array.from({ length: 6 }, (_, at) => ({ name: `HARBOUR_SETTING_${at}`, value: `value-${at}-of-a-usual-length` })),
  resources: { requests: { cpu: "50m", memory: "64Mi" }, limits: { cpu: "500m", memory: "128Mi" } },
  volumeMounts: [{ name: "config", mountPath: `/etc/${name}`, readOnly: true }],
  livenessProbe: probe("/healthz"),
  readinessProbe: probe("/readyz"),
  terminationMessagePath: "/dev/termination-log",
  terminationMessagePolicy: "File",
  imagePullPolicy: "IfNotPresent",
});

/** `note` makes one version of it different from the next. `scheduled: false`: the scheduler leaves it to somebody else, who is not there. */
export const pod = (name: string, note: string, { scheduled = false } = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "default", labels, annotations: { "bench.example.net/note": note } },
  spec: {
    containers: [container("collector"), container("forwarder")],
    volumes: [{ name: "config", configMap: { name: "telemetry", defaultMode: 420 } }],
    nodeSelector: { "kubernetes.io/os": "linux" },
    ...(!scheduled && { schedulerName: "nobody" }),
    tolerations: [{ key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute" }],
  },
});
