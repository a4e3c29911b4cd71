// Custom resources as people use them: a master of its own, and stock kubectl, the oldest we promise and the newest.
import * as assert from "uvu/assert";
import { eventually } from "../kit/eventually.ts";
import { type Kubectl, kubectl, kubectls } from "../kit/kubectl.ts";
import { type MasterProcess, masterProcess } from "../kit/master_process.ts";
import { suite } from "../kit/suite.ts";

const crd = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: tides.sea.example.com}
spec:
  group: sea.example.com
  names: {plural: tides, singular: tide, kind: Tide, shortNames: [td], categories: [all]}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas, labelSelectorPath: .status.selector}
    selectableFields: [{jsonPath: .spec.note}]
    additionalPrinterColumns:
    - {name: Height, type: integer, jsonPath: .spec.height}
    - {name: Ready, type: string, jsonPath: '.status.conditions[?(@.type=="Ready")].status'}
    - {name: Note, type: string, jsonPath: .spec.note, priority: 1}
    schema:
      openAPIV3Schema:
        type: object
        description: A tide.
        required: [spec]
        properties:
          spec:
            type: object
            required: [height]
            properties:
              height: {type: integer, minimum: 1, maximum: 10, description: Metres above zero.}
              note: {type: string, default: calm, pattern: '^[a-z ]*$'}
              replicas: {type: integer, default: 1}
              ports:
                type: array
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [name]
                items:
                  type: object
                  required: [name]
                  properties: {name: {type: string}, port: {x-kubernetes-int-or-string: true}}
              free: {type: object, x-kubernetes-preserve-unknown-fields: true}
            x-kubernetes-validations:
            - {rule: "self.replicas <= self.height", messageExpression: "'no more than %d'.format([self.height])", fieldPath: .replicas}
            - {rule: "self.note == oldSelf.note", message: note is immutable}
          status: {type: object, x-kubernetes-preserve-unknown-fields: true}
  - name: v1alpha1
    served: true
    storage: false
    deprecated: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`;
const tide = (name: string, spec: object): string =>
  JSON.stringify({ apiVersion: "sea.example.com/v1", kind: "Tide", metadata: { name }, spec });

const found = kubectls();
for (const { version, path } of found.length > 0 ? found : [{ version: "none", path: "" }]) {
  const test = suite<Kubectl & { master: MasterProcess }>(`custom resources with kubectl ${version}`, {
    async setup() {
      const master = await masterProcess();
      await master.start();
      const client = kubectl(path, { kubeconfig: master.kubeconfig, directory: master.directory });
      await client.ok("apply -f -", { input: crd });
      await client.ok("wait --for=condition=Established crd/tides.sea.example.com --timeout=30s");
      return { master, ...client };
    },
    teardown: ({ master }) => master.close(),
    timeoutMs: 180_000,
    skip: found.length === 0 ? "no kubectl" : undefined,
  });

  test("create, get, apply again, patch, label, delete; columns, names and categories", async ({ ok, run }) => {
    assert.match(await ok("get crd"), /^NAME +CREATED AT\ntides.sea.example.com +\d{4}-\d\d-\d\dT[\d:]+Z\n$/);
    assert.is(
      await ok("apply -f -", { input: tide("high", { height: 5, ports: [{ name: "a", port: 80 }, { name: "b", port: "x" }] }) }),
      "tide.sea.example.com/high created\n",
    );
    assert.match(await ok("get td"), /^NAME +HEIGHT +READY\nhigh +5 *\n$/);
    assert.match(await ok("get tides -o wide"), /^NAME +HEIGHT +READY +NOTE\nhigh +5 +calm\n$/);
    assert.match(await ok("get all"), /tide.sea.example.com\/high +5/);
    assert.match(await ok("get tides --field-selector spec.note=calm -o name"), /high/);
    assert.is(await ok("get tides --field-selector spec.note=rough -o name"), "");
    assert.is(
      await ok("apply -f -", { input: tide("high", { height: 6, ports: [{ name: "b", port: "x" }] }) }),
      "tide.sea.example.com/high configured\n",
    );
    assert.is(
      await ok("get tide high -o 'jsonpath={.metadata.generation} {.spec}'"),
      '2 {"height":6,"note":"calm","ports":[{"name":"b","port":"x"}],"replicas":1}',
    );
    await ok("label tide high sea=north");
    assert.is(await ok("get tides -l sea=north -o name"), "tide.sea.example.com/high\n");
    const strategic = await run(`patch tide high -p '{"spec":{"height":7}}'`);
    assert.match(strategic.err, /application\/strategic-merge-patch\+json is not supported by sea.example.com\/v1, Kind=Tide/);
    await ok(`patch tide high --type=json -p '[{"op":"replace","path":"/spec/height","value":8}]'`);
    assert.match(await ok("describe tide high"), /API Version: +sea.example.com\/v1[^]*Height: +8/);
    assert.is(await ok("delete tide high"), 'tide.sea.example.com "high" deleted\n');
  });

  test("what the schema does not allow is refused, what it does not know dropped or refused", async ({ run, ok }) => {
    const refused = await run("create -f -", { input: tide("high", { height: 11, note: "LOUD" }) });
    assert.match(refused.err, /The Tide "high" is invalid: *\n?/);
    assert.match(refused.err, /spec.height: Invalid value: 11: spec.height in body should be less than or equal to 10/);
    assert.match(refused.err, /spec.note: Invalid value: "LOUD": spec.note in body should match '\^\[a-z \]\*\$'/);
    const strict = await run("create -f -", { input: tide("high", { height: 1, bogus: 1 }) });
    assert.match(strict.err, /strict decoding error: unknown field "spec.bogus"/);
    assert.match((await run("create --validate=ignore -f -", { input: tide("high", { height: 1, bogus: 1 }) })).out, /created/);
    assert.is(await ok("get tide high -o 'jsonpath={.spec}'"), '{"height":1,"note":"calm","replicas":1}');
    assert.match((await run("create -f -", { input: tide("low", {}) })).err, /spec.height: Required value/);
  });

  test("rules in CEL hold; one that makes no sense is refused with its definition", async ({ run, ok }) => {
    const refused = await run("create -f -", { input: tide("high", { height: 1, replicas: 2 }) });
    assert.match(refused.err, /The Tide "high" is invalid: spec.replicas: Invalid value: "object": no more than 1/);
    await ok("create -f -", { input: tide("high", { height: 5 }) });
    assert.match(
      (await run(`patch tide high --type=merge -p '{"spec":{"note":"rough"}}'`)).err,
      /spec: Invalid value: "object": note is immutable/,
    );
    const broken = await run("apply -f -", { input: crd.replace("self.replicas <= ", "self.replica <= ") });
    assert.match(broken.err, /compilation failed: ERROR: <input>:1:6: undefined field 'replica'/);
  });

  test("status, scale, server-side apply and another version", async ({ ok, run, json }) => {
    await ok("create -f -", { input: tide("high", { height: 5 }) });
    const status = JSON.stringify({
      status: { replicas: 1, selector: "a=b", conditions: [{ type: "Ready", status: "True" }] },
      spec: { height: 9 },
    });
    await ok(`patch tide high --subresource=status --type=merge -p '${status}'`);
    assert.match(await ok("get tides"), /high +5 +True/);
    await ok("wait tide/high --for=jsonpath={.status.replicas}=1 --timeout=30s");
    await ok("scale tide high --replicas=3");
    assert.is(await ok("get tide high -o 'jsonpath={.spec.replicas}'"), "3");
    await ok("apply --server-side --field-manager=one -f -", {
      input: tide("low", { height: 2, ports: [{ name: "a", port: 1 }], free: { a: { b: 1 } } }),
    });
    await ok("apply --server-side --field-manager=two -f -", {
      input: tide("low", { height: 2, ports: [{ name: "b", port: 2 }], free: { a: { c: 2 } } }),
    });
    const { spec, metadata } = await json("get tide low --show-managed-fields");
    assert.equal([spec.ports, spec.free], [[{ name: "a", port: 1 }, { name: "b", port: 2 }], { a: { b: 1, c: 2 } }]);
    assert.is(metadata.managedFields.length, 2);
    const conflict = await run("apply --server-side --field-manager=two -f -", { input: tide("low", { height: 3 }) });
    assert.match(conflict.err, /conflict with "one": .spec.height/);
    const older = await run("get tides.v1alpha1.sea.example.com high -o 'jsonpath={.apiVersion}'");
    assert.equal([older.out, older.err], ["sea.example.com/v1alpha1", "Warning: sea.example.com/v1alpha1 Tide is deprecated\n"]);
  });

  test("explain and api-resources know it", async ({ ok }) => {
    assert.match(await ok("explain tide.spec.height"), /Metres above zero\./);
    assert.match(await ok("explain tides --recursive"), /ports\t?[^]*<\[\]Object>[^]*port\b/);
    assert.match(await ok("api-resources --api-group=sea.example.com"), /tides +td +sea.example.com\/v1 +true +Tide/);
  });

  test("a deleted definition's watch ends, its objects and its kind are gone", async ({ ok, run, follow, master }) => {
    await ok("create -f -", { input: tide("high", { height: 5 }) });
    const late = AbortSignal.timeout(60_000),
      watched = master.client.watch("/apis/sea.example.com/v1/tides?watch=1", late),
      events: string[] = [];
    const ended = (async () => {
      for await (const { type, object } of watched) events.push(`${type} ${object.metadata.name}`);
    })();
    await eventually("the first event", () => events.length === 1);
    const following = follow("get tides --watch");
    await eventually("a row", () => /high/.test(following.out()));
    await ok("delete crd tides.sea.example.com --timeout=30s");
    await ended;
    assert.not(late.aborted);
    assert.equal(events, ["ADDED high", "DELETED high"]);
    assert.match((await run("get tides")).err, /the server could not find the requested resource|the server doesn't have a resource type/);
    await following.stop();
    await eventually(
      "gone from discovery",
      async () => !/sea.example.com/.test(JSON.stringify((await master.client.ask("GET", "/apis")).body)),
    );
    await eventually(
      "gone from OpenAPI",
      async () => !/sea.example.com/.test(JSON.stringify((await master.client.ask("GET", "/openapi/v3")).body)),
    );
  });
}
