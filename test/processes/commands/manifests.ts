// What the lines apply.
const template = (app: string, image: string) =>
  `{metadata: {labels: {app: ${app}}}, spec: {containers: [{name: main, image: "${image}", ports: [{containerPort: 80}]}]}}`;

export const deployment = ({ name = "web", image = "registry.example/web:1", replicas = 2 } = {}): string => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, labels: {app: ${name}}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: ${name}}}
  template: ${template(name, image)}
`;
export const daemonSet = ({ image = "registry.example/watcher:1" } = {}): string => `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: watcher}
spec:
  selector: {matchLabels: {app: watcher}}
  template: ${template("watcher", image)}
`;
export const configMap = (name: string, data: string, labels = "{made: by-hand}"): string => `
apiVersion: v1
kind: ConfigMap
metadata: {name: ${name}, labels: ${labels}}
data: {key: ${data}}
`;
/** One of each kind that nothing makes by itself. */
export const oneOfEach = `
apiVersion: v1
kind: PersistentVolume
metadata: {name: %NS-pv}
spec: {capacity: {storage: 5Gi}, accessModes: [ReadWriteOnce], storageClassName: %NS-sc, hostPath: {path: /data}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], storageClassName: %NS-sc, resources: {requests: {storage: 1Gi}}}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: %NS-sc}
provisioner: acme.io/disk
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: quiet}
spec: {podSelector: {matchLabels: {app: web}}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}], ports: [{port: 80}]}]}
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: %NS-class}
spec: {controller: acme.io/ingress}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: front}
spec:
  ingressClassName: %NS-class
  tls: [{hosts: [web.example.com], secretName: tls}]
  rules: [{host: web.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]
---
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {name: %NS-runtime}
handler: crun
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: %NS-high}
value: 1000
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
`;
