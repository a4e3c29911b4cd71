// `skerry-master token create|list|revoke`: what lets devices join. A token is made here and stored through the API; its secret leaves this machine only with
// whoever reads it from the screen.
import { createHash, X509Certificate } from "node:crypto";
import * as v from "valibot";
import { base32 } from "../../shared/util/base32.ts";
import { bootstrapTokenType } from "../../shared/api/kinds/secret.ts";
import { option, readConfig } from "../../shared/util/config.ts";
import { paths } from "../../shared/names.ts";
import { mintToken, readToken, tokenNamespace } from "../fleet/tokens.ts";
import { CommandError, openClient } from "./client.ts";
import type { Surroundings } from "./surroundings.ts";

const duration = v.pipe(
  v.string(),
  v.regex(/^\d+[smhd]$/, "expected a duration such as 30m, 24h or 7d"),
  v.transform((text) => Number(text.slice(0, -1)) * { s: 1e3, m: 6e4, h: 3.6e6, d: 8.64e7 }[text.at(-1) as "s" | "m" | "h" | "d"]),
);
const label = v.pipe(v.string(), v.regex(/^[^=]+=[^=]*$/, "expected key=value"));
const wholeNumber = v.pipe(v.string(), v.regex(/^[1-9]\d*$/, "expected a whole number above 0"), v.transform(Number));

export const options = {
  dataDir: option(v.string(), "The master's data directory", { default: `${paths.data}/master` }),
  kubeconfig: option(v.string(), "Credentials to use; default: admin.kubeconfig in the data directory", { default: "" }),
  ttl: option(duration, "How long the token lets devices join, such as 30m, 24h or 7d", { default: 24 * 3.6e6, shown: "24h" }),
  uses: option(wholeNumber, "How many devices may join with it; default: any number", { default: 0, shown: "" }),
  label: option(v.array(label), "Label of the nodes that join with it, key=value", { multiple: true, default: [] as string[] }),
  description: option(v.string(), "What it is for", { default: "" }),
};

export async function tokenCommand(
  { argv, env, clock: { now }, randomBytes, print }: Omit<Surroundings, "random" | "note">,
): Promise<void> {
  const { config, positionals: [verb, id] } = readConfig(options, { argv, env, words: 2 });
  const client = await openClient(config),
    secrets = `/api/v1/namespaces/${tokenNamespace}/secrets`;
  switch (verb) {
    case "create": {
      const caHash = base32(
        createHash("sha256").update(new X509Certificate(client.ca).publicKey.export({ type: "spki", format: "der" })).digest(),
      );
      const labels = Object.fromEntries(config.label.map((text) => text.split("=") as [string, string]));
      const wish = { expires: now() + config.ttl, labels, description: config.description, ...(config.uses > 0 && { uses: config.uses }) };
      const { token, secret } = mintToken(wish, caHash, randomBytes);
      await client.request("POST", secrets, { apiVersion: "v1", kind: "Secret", ...secret });
      return print(token);
    }
    case "list": {
      const { items } = await client.request("GET", `${secrets}?fieldSelector=${encodeURIComponent(`type=${bootstrapTokenType}`)}`) as {
        items: Parameters<typeof readToken>[0][];
      };
      print(row("ID", "EXPIRES", "USES", "LABELS", "DESCRIPTION"));
      for (const item of items) {
        const record = readToken(item);
        if (!record) continue;
        const { expires, uses, usedBy, labels = {}, description = "" } = record;
        const when = expires === undefined
          ? "never"
          : `${new Date(expires).toISOString().slice(0, 19)}Z${expires < now() ? " (over)" : ""}`;
        print(
          row(
            record.id,
            when,
            uses === undefined ? "any" : `${usedBy.length}/${uses}`,
            Object.entries(labels).map((pair) => pair.join("=")).join() || "-",
            description,
          ),
        );
      }
      return;
    }
    case "revoke":
      if (!id) throw new CommandError("Which token? `skerry-master token revoke ID`; `token list` shows the ids");
      await client.request("DELETE", `${secrets}/bootstrap-token-${id}`);
      return print(`Token ${id} is revoked; nodes that have joined with it stay`);
    default:
      throw new CommandError(`Unknown command: token ${verb ?? ""}. There are: token create, token list, token revoke`);
  }
}

const row = (id: string, expires: string, uses: string, labels: string, description: string): string =>
  `${id.padEnd(8)} ${expires.padEnd(28)} ${uses.padEnd(7)} ${labels.padEnd(24)} ${description}`.trimEnd();
