// Which credentials a registry gets: from the pod's imagePullSecrets (kubernetes.io/dockerconfigjson and dockercfg). Pure.
import { Buffer } from "node:buffer";
import { qualified } from "../runtime/image_reference.ts";

type Contents = ReadonlyMap<string, Uint8Array>;
interface Entry {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
  readonly identitytoken?: string;
}

/** Values for the engine's X-Registry-Auth header, the closest match first. A secret that cannot be read gives none. */
export function credentials(reference: string, secrets: readonly Contents[]): string[] {
  const image = qualified(reference);
  const fitting = secrets.flatMap(entries).flatMap(([key, entry]) => {
    const place = key.replace(/^https?:\/\//, "").replace(/\/(v1|v2)\/?$/, "").replace(/\/$/, "").replace(
      /^(index|registry-1)\.docker\.io$/,
      "docker.io",
    );
    return matches(image, place) ? [{ place, header: header(entry) }] : [];
  });
  return [...new Set(fitting.sort((a, b) => b.place.length - a.place.length).map(({ header }) => header))];
}

function entries(contents: Contents): [string, Entry][] {
  for (const [key, nested] of [[".dockerconfigjson", true], [".dockercfg", false]] as const) {
    const bytes = contents.get(key);
    if (bytes === undefined) continue;
    try {
      const config = JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>;
      return Object.entries((nested ? config.auths : config) ?? {}) as [string, Entry][];
    } catch {
      return []; // admission lets no such secret in; a registry without credentials will say what it thinks
    }
  }
  return [];
}

/** A registry, or a path in one; `*` stands for one part of its host name. */
function matches(image: string, place: string): boolean {
  const [host = "", ...path] = place.split("/"), [imageHost = "", ...imagePath] = image.split("/");
  const parts = host.split("."), imageParts = imageHost.split(".");
  return parts.length === imageParts.length &&
    parts.every((part, i) => new RegExp(`^${part.replace(/[\\^$+?()[\]{}|]/g, "\\$&").replaceAll("*", "[^.]*")}$`).test(imageParts[i]!)) &&
    path.every((part, i) => imagePath[i] === part);
}

function header({ username, password, auth, identitytoken }: Entry): string {
  const [name, ...rest] = auth ? Buffer.from(auth, "base64").toString().split(":") : [username ?? "", password ?? ""];
  const login = identitytoken ? { identitytoken } : { username: name, password: rest.join(":") };
  return Buffer.from(JSON.stringify(login)).toString("base64url");
}
