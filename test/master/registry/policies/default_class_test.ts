import * as assert from "uvu/assert";
import { ingresses } from "../../../../shared/api/kinds/ingress.ts";
import { persistentVolumeClaims } from "../../../../shared/api/kinds/persistent_volume_claim.ts";
import { admitted } from "../../../kit/admission.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("default classes");
const metadata = { name: "data", namespace: "default" };
const classOf = (name: string, annotation: string, creationTimestamp: string, value = "true") =>
  ({ metadata: { name, creationTimestamp, annotations: { [annotation]: value } } }) as never;
const storage = "storageclass.kubernetes.io/is-default-class", ingress = "ingressclass.kubernetes.io/is-default-class";
const claim = (more: object = {}) =>
  ({ metadata, spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...more } }) as never;
const front = (more: object = {}, annotations = {}) =>
  ({
    metadata: { ...metadata, annotations },
    spec: { defaultBackend: { service: { name: "web", port: { number: 80 } } }, ...more },
  }) as never;
const world = {
  storageClasses: () =>
    Promise.resolve([
      classOf("none", storage, "2026-03-01T00:00:00Z", "false"),
      classOf("old", storage, "2026-01-01T00:00:00Z"),
      classOf("b", storage, "2026-02-01T00:00:00Z"),
      classOf("a", storage, "2026-02-01T00:00:00Z"),
    ]),
  ingressClasses: () => Promise.resolve([classOf("acme", ingress, "2026-01-01T00:00:00Z")]),
};
const classOfClaim = async (more?: object) =>
  (await admitted(persistentVolumeClaims, claim(more), { world }) as { spec?: { storageClassName?: string } }).spec?.storageClassName;
const classOfIngress = async (more?: object, annotations?: object) =>
  (await admitted(ingresses, front(more, annotations), { world }) as { spec?: { ingressClassName?: string } }).spec?.ingressClassName;

test("a claim gets the newest default; an empty name asks for none", async () => {
  assert.equal([await classOfClaim(), await classOfClaim({ storageClassName: "own" }), await classOfClaim({ storageClassName: "" })], [
    ...["a", "own", ""],
  ]);
});
test("an Ingress gets the default, unless it names one in either form", async () => {
  const annotated = await classOfIngress({}, { "kubernetes.io/ingress.class": "older" });
  assert.equal([await classOfIngress(), await classOfIngress({ ingressClassName: "own" }), annotated], ["acme", "own", undefined]);
});
test("what is there keeps what it has", async () => {
  const old = await admitted(persistentVolumeClaims, claim()), labelled = { ...old, metadata: { ...metadata, labels: { a: "b" } } };
  const { spec } = await admitted(persistentVolumeClaims, labelled, { world }, old) as { spec?: { storageClassName?: string } };
  assert.is(spec?.storageClassName, undefined);
});
