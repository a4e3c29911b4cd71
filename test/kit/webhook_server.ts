// A webhook that a test answers for: HTTPS on a port of its own, at every address of this machine, with a certificate of an authority of its own.
import { Buffer } from "node:buffer";
import * as https from "node:https";
import type { AddressInfo } from "node:net";
import { Authority } from "../../master/pki/authority.ts";

// deno-lint-ignore no-explicit-any
export type Request = any;
export interface WebhookServer {
  readonly url: string;
  readonly port: number;
  readonly caBundle: string;
  /** What it has been asked, in order. */
  readonly asked: Request[];
  /** What it answers next: fields of the response, or `undefined` to leave the caller waiting, or text to say instead. */
  answer: (request: Request) => object | string | undefined;
  close(): Promise<void>;
}
export const patch = (...operations: object[]): object => ({
  allowed: true,
  patchType: "JSONPatch",
  patch: Buffer.from(JSON.stringify(operations)).toString("base64"),
});

export async function webhookServer(names: string[] = ["127.0.0.1", "localhost"]): Promise<WebhookServer> {
  const { authority } = await Authority.create("webhook-ca"), { key, certificate } = await authority.issueServer(names);
  const asked: Request[] = [];
  const server = https.createServer({ key, cert: certificate }, (message, response) => {
    let text = "";
    message.on("data", (chunk) => text += chunk);
    message.on("end", () => {
      const request = { ...JSON.parse(text).request, path: message.url };
      asked.push(request);
      const answer = self.answer(request);
      if (answer === undefined) return;
      response.setHeader("content-type", "application/json");
      if (typeof answer === "string") return void response.end(answer);
      const own = { uid: request.uid, ...answer };
      response.end(JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response: own }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
  const { port } = server.address() as AddressInfo;
  const self: WebhookServer = {
    url: `https://127.0.0.1:${port}/ask`,
    port,
    caBundle: Buffer.from(authority.certificate).toString("base64"),
    asked,
    answer: () => ({ allowed: true }),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return self;
}
