import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import * as assert from "uvu/assert";
import { type CommandError, openClient } from "../../../master/commands/client.ts";
import { Authority } from "../../../master/pki/authority.ts";
import { kubeconfig } from "../../../master/pki/pki.ts";
import { rejects, suite } from "../../kit/suite.ts";

const test = suite("openClient()", {
  async setup() {
    const { authority } = await Authority.create("skerry-ca"), { certificate: cert, key } = await authority.issueServer(["127.0.0.1"]);
    const user = await authority.issueClient({ commonName: "admin", organizations: [], uris: [] }),
      dataDir = await mkdtemp(`${tmpdir()}/skerry-`);
    const server = createServer({ cert, key }, (request, response) => {
      const [, what, status] = request.url!.split("/");
      if (what === "cut") return void request.socket.destroy();
      response.statusCode = Number(status);
      response.end(what === "words" ? '{"message":"Cannot do it: it is so"}' : what);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const clientOf = async (at: number) => {
      await writeFile(`${dataDir}/admin.kubeconfig`, kubeconfig(`https://127.0.0.1:${at}`, authority.certificate, user));
      return await openClient({ kubeconfig: "", dataDir });
    };
    return { server, dataDir, client: await clientOf(port), nobody: await clientOf(1) };
  },
  async teardown({ server, dataDir }) {
    server.close();
    await rm(dataDir, { recursive: true });
  },
});
const failure = async (work: Promise<unknown>): Promise<[number, string]> => {
  const { status, message } = await rejects(work) as CommandError;
  return [status, message];
};

test("says the master's own words, and status 2 only where nothing has changed", async ({ client, nobody }) => {
  assert.equal(await client.request("GET", "/words/200"), { message: "Cannot do it: it is so" });
  const refused = "The master refused: Cannot do it: it is so";
  assert.equal(await failure(client.request("POST", "/words/409", {})), [2, refused]);
  assert.equal(await failure(client.request("POST", "/words/504", {})), [1, refused]);
  assert.equal(await failure(client.request("GET", "/words/504")), [2, refused]);
  assert.equal(await failure(client.download("/words/429", 5_000)), [2, refused]);
  assert.equal(await failure(client.request("GET", "/nonsense/500")), [2, "The master refused: status 500"]);
  assert.match(
    (await failure(client.request("POST", "/nonsense/200", {}))).join(),
    /^1,Cannot understand the answer of https.*\(status 200\)/,
  );
  for (const method of ["GET", "POST", "DELETE"]) {
    assert.match((await failure(nobody.request(method, "/words/200"))).join(), /^2,Cannot reach .*Is the master running\?/);
  }
  assert.match((await failure(client.request("GET", "/cut"))).join(), /^2,Cannot reach/);
  for (const method of ["POST", "DELETE"]) {
    assert.match(
      (await failure(client.request(method, "/cut"))).join(),
      /^1,Cannot tell whether https.* has done it: .*Look before you try/,
    );
  }
});
