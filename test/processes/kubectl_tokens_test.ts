// Tokens of ServiceAccounts as people get and use them: stock kubectl of the oldest and the newest version, against a master of its own.
import { Buffer } from "node:buffer";
import { writeFile } from "node:fs/promises";
import * as assert from "uvu/assert";
import { run } from "../kit/cluster_process.ts";
import { eventually } from "../kit/eventually.ts";
import { kubectl, kubectls } from "../kit/kubectl.ts";
import { type MasterProcess, masterProcess } from "../kit/master_process.ts";
import { suite } from "../kit/suite.ts";

const test = suite<{ master: MasterProcess }>("kubectl and tokens", {
  async setup() {
    const master = await masterProcess();
    await master.start();
    return { master };
  },
  teardown: ({ master }) => master.close(),
  timeoutMs: 120_000,
});
const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split(".")[1]!, "base64url").toString());

for (const { version, path } of kubectls()) {
  test(`kubectl ${version} creates a token, and is who it says until the account is gone`, async ({ master }) => {
    const { kubeconfig, directory, port } = master, admin = kubectl(path, { kubeconfig, directory });
    const nobody = `${directory}/nobody.yaml`, server = `--server https://127.0.0.1:${port} --insecure-skip-tls-verify`;
    await writeFile(nobody, "apiVersion: v1\nkind: Config\n");
    const anybody = kubectl(path, { kubeconfig: nobody, directory });
    await admin.ok("create namespace harbour");
    await admin.ok("-n harbour create serviceaccount robot");
    await admin.ok("-n harbour create rolebinding robot --clusterrole=view --serviceaccount=harbour:robot");
    const token = (await admin.ok("-n harbour create token robot --duration=20m --audience=https://kubernetes.default.svc.cluster.local"))
      .trim();
    assert.is(claimsOf(token).exp - claimsOf(token).iat, 1200);
    const as = `--token ${token} ${server}`;
    const who = await anybody.ok(`auth whoami ${as}`);
    for (const word of ["system:serviceaccount:harbour:robot", "system:serviceaccounts:harbour", `JTI=${claimsOf(token).jti}`]) {
      assert.ok(who.includes(word), who);
    }
    assert.match(await anybody.ok(`-n harbour get serviceaccounts ${as}`), /^robot /m);
    assert.match((await anybody.run(`-n default get serviceaccounts ${as}`)).err, /"system:serviceaccount:harbour:robot" cannot list/);
    assert.match(await anybody.ok(`get --raw /openid/v1/jwks ${as}`), /"kid"/);
    assert.match((await admin.run("-n harbour create token robot --duration=60s")).err, /may not specify a duration less than 10 minutes/);
    assert.match((await admin.run("-n harbour create token nobody")).err, /serviceaccounts "nobody" not found/);

    const review = async (audiences: readonly string[]) => {
      const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec: { token, audiences } };
      return JSON.parse(await admin.ok("create -o json -f -", { input: JSON.stringify(body) })).status;
    };
    assert.is((await review([])).user.username, "system:serviceaccount:harbour:robot");
    assert.is((await review(["vault"])).authenticated, undefined);

    await admin.ok("-n harbour create -f -", {
      input: JSON.stringify({
        apiVersion: "v1",
        kind: "Secret",
        type: "kubernetes.io/service-account-token",
        metadata: { name: "old", annotations: { "kubernetes.io/service-account.name": "robot" } },
      }),
    });
    const secret = await eventually("the Secret has its token", async () => {
      const { data = {} } = await admin.json("-n harbour get secret old");
      return data.token && data as Record<string, string>;
    });
    assert.equal(Object.keys(secret).sort(), ["ca.crt", "namespace", "token"]);
    const old = `--token ${Buffer.from(secret.token!, "base64")} ${server}`;
    assert.match(await anybody.ok(`auth whoami ${old}`), /system:serviceaccount:harbour:robot/);

    await admin.ok("-n harbour delete serviceaccount robot");
    await eventually("the Secret is gone with its account", async () => (await admin.run("-n harbour get secret old")).code !== 0);
    for (const gone of [as, old]) {
      assert.match((await anybody.run(`auth whoami ${gone}`)).err, /Unauthorized|You must be logged in|must be logged in/);
    }
  });

  test(`kubectl ${version} lets a machine in by a bootstrap token, and lets it ask for no administrator's certificate`, async ({ master }) => {
    const { kubeconfig, directory, port } = master, admin = kubectl(path, { kubeconfig, directory });
    const literals = Object.entries({
      "token-id": "abcdef",
      "token-secret": "0123456789abcdef",
      "usage-bootstrap-authentication": "true",
      "auth-extra-groups": "system:bootstrappers:pumps",
      expiration: new Date(Date.now() + 3_600_000).toISOString(),
    }).map(([key, value]) => `--from-literal=${key}=${value}`).join(" ");
    await admin.ok(`-n kube-system create secret generic bootstrap-token-abcdef --type=bootstrap.kubernetes.io/token ${literals}`);
    await admin.ok("create clusterrolebinding pumps --clusterrole=system:node-bootstrapper --group=system:bootstrappers:pumps");
    const nobody = `${directory}/nobody.yaml`, server = `--server https://127.0.0.1:${port} --insecure-skip-tls-verify`;
    await writeFile(nobody, "apiVersion: v1\nkind: Config\n");
    const machine = kubectl(path, { kubeconfig: nobody, directory }), as = `--token abcdef.0123456789abcdef ${server}`;
    assert.match(await machine.ok(`auth whoami ${as}`), /system:bootstrap:abcdef[^]*system:bootstrappers:pumps/);
    assert.match((await machine.run(`auth whoami --token abcdef.0123456789abcdee ${server}`)).err, /must be logged in|Unauthorized/);
    const ask = async (name: string) => {
      const args = ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null", "-subj", name];
      const { out } = await run("openssl", args), request = Buffer.from(out).toString("base64");
      const spec = { request, signerName: "kubernetes.io/kube-apiserver-client", usages: ["client auth"] };
      const body = { apiVersion: "certificates.k8s.io/v1", kind: "CertificateSigningRequest", metadata: { generateName: "pump-" }, spec };
      return await machine.run(`create -f - ${as}`, { input: JSON.stringify(body) });
    };
    assert.match(
      (await ask("/O=system:masters/CN=pump")).err,
      /is forbidden: use of kubernetes.io\/kube-apiserver-client signer with system:masters group/,
    );
    assert.match((await ask("/O=pumps/CN=pump")).out, /certificatesigningrequest\S+ created/);
    await admin.ok("-n kube-system delete secret bootstrap-token-abcdef");
    await eventually("it lets nobody in any more", async () => (await machine.run(`auth whoami ${as}`)).code !== 0);
  });
}
