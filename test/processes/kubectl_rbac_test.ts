// Roles as people use them: a master of its own, users with certificates of its CA, and stock kubectl, the oldest we promise and the newest.
import { Buffer } from "node:buffer";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import * as assert from "uvu/assert";
import { Authority } from "../../master/pki/authority.ts";
import { kubeconfig } from "../../master/pki/pki.ts";
import { eventually } from "../kit/eventually.ts";
import { type Kubectl, kubectl, kubectls, type Outcome } from "../kit/kubectl.ts";
import { type MasterProcess, masterProcess } from "../kit/master_process.ts";
import { suite } from "../kit/suite.ts";

const exec = promisify(execFile);

interface Context {
  readonly master: MasterProcess;
  readonly admin: Kubectl;
  /** kubectl with a certificate that speaks for this user. */
  user(name: string, ...groups: string[]): Promise<Kubectl>;
}

const found = kubectls();
for (const { version, path } of found.length > 0 ? found : [{ version: "none", path: "" }]) {
  const test = suite<Context>(`roles with kubectl ${version}`, {
    async setup() {
      const master = await masterProcess();
      await master.start();
      const { directory, dataDir } = master, pem = (name: string) => readFile(`${dataDir}/pki/${name}`, "utf8");
      const authority = await Authority.load({ certificate: await pem("ca.crt"), key: await pem("ca.key") });
      const user: Context["user"] = async (name, ...organizations) => {
        const pair = await authority.issueClient({ commonName: name, organizations, uris: [] }), file = `${directory}/${name}.kubeconfig`;
        await writeFile(file, kubeconfig(`https://127.0.0.1:${master.port}`, authority.certificate, pair), { mode: 0o600 });
        return kubectl(path, { kubeconfig: file, directory: `${directory}/${name}` });
      };
      return { master, user, admin: kubectl(path, { kubeconfig: master.kubeconfig, directory }) };
    },
    teardown: ({ master }) => master.close(),
    timeoutMs: 180_000,
    skip: found.length === 0 ? "no kubectl" : undefined,
  });

  test("a user may what a role says, where it is bound, and nothing else", async ({ admin, user }) => {
    const jane = await user("jane", "crew");
    const refused = await jane.run("get pods");
    assert.is(
      refused.err,
      'Error from server (Forbidden): pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"\n',
    );
    assert.match(await jane.ok("api-resources"), /clusterrolebindings/);
    assert.is((await jane.run("auth can-i list pods")).out, "no\n");

    await admin.ok("create role reader --verb=get,list,watch --resource=pods,configmaps");
    assert.match(await admin.ok("get roles"), /^NAME +CREATED AT\nreader +20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ\n$/);
    await admin.ok("create rolebinding crew --role=reader --group=crew");
    assert.match(
      await admin.ok("get rolebindings -o wide"),
      /^NAME +ROLE +AGE +USERS +GROUPS +SERVICEACCOUNTS *\ncrew +Role\/reader +\S+ +crew *\n$/,
    );
    assert.match(await admin.ok("describe rolebinding crew"), /Group +crew/);
    assert.match(await admin.ok("describe role reader"), /configmaps +\[\] +\[\] +\[get list watch\]/);
    await eventually("jane reads", async () => (await jane.run("get cm")).code === 0);
    assert.match((await jane.run("get cm -n kube-system")).err, /in the namespace "kube-system"/);
    assert.match(
      (await jane.run("delete cm kube-root-ca.crt")).err,
      /configmaps "kube-root-ca.crt" is forbidden: User "jane" cannot delete/,
    );
    assert.is(await jane.ok("auth can-i list pods"), "yes\n");
    assert.match(await jane.ok("auth can-i --list"), /configmaps +\[\] +\[\] +\[get list watch\]/);
    assert.match(await jane.ok("auth whoami"), /Username +jane\nGroups +\[crew system:authenticated\]/);
    assert.match((await admin.run('patch rolebinding crew --type=merge -p \'{"roleRef":{"name":"x"}}\'')).err, /cannot change roleRef/);
  });

  test("the default roles are there, aggregated, and cover what their names say", async ({ admin, user }) => {
    const jane = await user("jane"), joe = await user("joe");
    await admin.ok("create rolebinding jane --clusterrole=edit --user=jane");
    await admin.ok("create clusterrolebinding joe --clusterrole=view --user=joe");
    await eventually("jane edits", async () => (await jane.run("create configmap c --from-literal=a=b")).code === 0);
    await jane.ok("create deployment web --image=nginx");
    await jane.ok("get secrets");
    assert.match((await jane.run("get roles")).err, /cannot list resource "roles" in API group "rbac.authorization.k8s.io"/);
    assert.match((await jane.run("get nodes")).err, /nodes is forbidden: .* at the cluster scope/);
    assert.match(await eventually("joe reads", async () => (await joe.run("get deploy -A")).out), /web/);
    assert.match((await joe.run("get secrets")).err, /Forbidden/);
    assert.match(
      (await joe.run("scale deploy web --replicas=2")).err,
      /cannot patch resource "deployments\/scale"|cannot patch|cannot get/,
    );
    // What somebody adds by label, `view` has, and `edit` with it.
    await admin.ok("create clusterrole lookout --verb=get,list --resource=nodes");
    assert.match((await joe.run("get nodes")).err, /forbidden/);
    await admin.ok("label clusterrole lookout rbac.authorization.k8s.io/aggregate-to-view=true");
    await eventually("joe sees nodes", async () => (await joe.run("get nodes")).code === 0);
  });

  test("nobody gives away more than they have", async ({ admin, user }) => {
    const jane = await user("jane");
    await admin.ok("create rolebinding jane --clusterrole=admin --user=jane");
    await eventually("jane administers", async () => (await jane.run("get roles")).code === 0);
    await jane.ok("create role reader --verb=get,list --resource=pods");
    await jane.ok("create rolebinding reader --role=reader --user=joe");
    const { err } = await jane.run("create role more --verb=get --resource=nodes");
    assert.match(
      err,
      /roles.rbac.authorization.k8s.io "more" is forbidden: user "jane" \(groups=\["system:authenticated"\]\) is attempting to grant/,
    );
    assert.match(err, /\{APIGroups:\[""\], Resources:\["nodes"\], Verbs:\["get"\]\}/);
    assert.match(
      (await jane.run("create rolebinding all --clusterrole=cluster-admin --user=jane")).err,
      /RBAC permissions not currently held/,
    );
    assert.match((await jane.run("create rolebinding none --role=nothing --user=joe")).err, /"nothing" not found/);
    const patch = '[{"op":"add","path":"/rules/-","value":{"verbs":["*"],"apiGroups":["*"],"resources":["*"]}}]';
    assert.match((await jane.run(`patch role reader --type=json -p '${patch}'`)).err, /RBAC permissions not currently held/);
    await admin.ok("create clusterrole binder --verb=bind --resource=clusterroles --resource-name=cluster-admin");
    await admin.ok("create rolebinding binder --clusterrole=binder --user=jane");
    await eventually(
      "jane binds",
      async () => (await jane.run("create rolebinding all --clusterrole=cluster-admin --user=joe")).code === 0,
    );
  });

  test("--as is for those who may impersonate, and its groups for those who may these", async ({ admin, user }) => {
    const jane = await user("jane");
    assert.match(
      (await jane.run("get --raw /api/v1/pods --as=joe")).err,
      /users "joe" is forbidden: User "jane" cannot impersonate resource "users" in API group "" at the cluster scope/,
    );
    assert.is((await admin.run("auth can-i list pods --as=joe")).out, "no\n");
    assert.match(
      await admin.ok("auth whoami --as=joe '--as-group=a, b' --as-group=c"),
      /Username +joe\nGroups +\[a, b c system:authenticated\]/,
    );
    assert.match(
      await admin.ok("auth whoami --as=system:serviceaccount:default:robot"),
      /Groups +\[system:serviceaccounts system:serviceaccounts:default system:authenticated\]/,
    );
    await admin.ok("create clusterrole as-joe --verb=impersonate --resource=users --resource-name=joe");
    await admin.ok("create clusterrolebinding jane --clusterrole=as-joe --user=jane");
    await eventually("jane is joe", async () => /Username +joe/.test((await jane.run("auth whoami --as=joe")).out));
    assert.match(
      (await jane.run("get --raw /api/v1/pods --as=joe --as-group=system:masters")).err,
      /groups "system:masters" is forbidden: User "jane" cannot impersonate/,
    );
    assert.match((await jane.run("get --raw /api/v1/pods --as=admin")).err, /users "admin" is forbidden/);
  });

  test("a certificate that somebody approved lets its holder in, with an approver who may", async ({ master, admin, user }) => {
    const { directory, dataDir } = master, key = `${directory}/ann.key`, subject = (cn: string, o: string) => `/CN=${cn}/O=${o}`;
    const request = async (name: string, subj: string): Promise<Outcome> => {
      await exec("openssl", [
        "req",
        "-new",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        key,
        "-subj",
        subj,
        "-out",
        `${directory}/ann.csr`,
      ]);
      const base64 = (await readFile(`${directory}/ann.csr`)).toString("base64");
      const spec = `{request: ${base64}, signerName: kubernetes.io/kube-apiserver-client, usages: [client auth], expirationSeconds: 3600}`;
      const head = `apiVersion: certificates.k8s.io/v1\nkind: CertificateSigningRequest\nmetadata: {name: ${name}}`;
      return await admin.run("apply -f -", { input: `${head}\nspec: ${spec}\n` });
    };
    assert.match((await request("evil", subject("ann", "system:masters"))).err, /signer with system:masters group is not allowed/);
    assert.is((await request("ann", subject("ann", "crew"))).code, 0);
    const jane = await user("jane");
    await admin.ok(
      "create clusterrole csr --verb=get,list,update,patch --resource=certificatesigningrequests,certificatesigningrequests/approval",
    );
    await admin.ok("create clusterrolebinding csr --clusterrole=csr --user=jane");
    await eventually("jane reads", async () => (await jane.run("get csr")).code === 0);
    assert.match(
      (await jane.run("certificate approve ann")).err,
      /user not permitted to approve requests with signerName "kubernetes.io\/kube-apiserver-client"/,
    );
    await admin.ok(
      "create clusterrolebinding approver --clusterrole=system:certificates.k8s.io:kube-apiserver-client-approver --user=jane",
    );
    await eventually("jane approves", async () => (await jane.run("certificate approve ann")).code === 0);
    const certificate = await eventually("it is issued", () => admin.ok("get csr ann -o 'jsonpath={.status.certificate}'"));
    const pair = { certificate: Buffer.from(certificate, "base64").toString(), key: await readFile(key, "utf8") };
    const file = `${directory}/ann.kubeconfig`;
    await writeFile(file, kubeconfig(`https://127.0.0.1:${master.port}`, await readFile(`${dataDir}/pki/ca.crt`, "utf8"), pair));
    const ann = kubectl(path, { kubeconfig: file, directory: `${directory}/ann` });
    assert.match(await ann.ok("auth whoami"), /Username +ann\nGroups +\[crew system:authenticated\]/);
  });

  test("auth reconcile makes roles and bindings what a file says, and is refused what nobody may", async ({ admin }) => {
    const file = (verbs: string) => `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: r}
rules: [{apiGroups: [""], resources: [pods], verbs: [${verbs}]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: r, namespace: default}
subjects: [{kind: ServiceAccount, name: a, namespace: default}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: r}
`;
    assert.match(await admin.ok("auth reconcile -f -", { input: file("get") }), /clusterrole.rbac.authorization.k8s.io\/r reconciled/);
    await admin.ok("auth reconcile -f -", { input: file("get, list") });
    assert.is((await admin.run("auth can-i list pods --as=system:serviceaccount:default:a")).out, "yes\n");
    const wrong = await admin.run("apply -f -", { input: file("") });
    assert.match(wrong.err, /rules\[0\].verbs: Required value: verbs must contain at least one value/);
  });
}
