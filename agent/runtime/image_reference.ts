// Image names as Kubernetes reads them: `nginx` is docker.io/library/nginx. Podman would ask its registries.conf, which differs from device to device.

/** The reference with its registry spelled out. A first part without dot or colon, other than `localhost`, is no registry (distribution/reference). */
export function qualified(reference: string): string {
  const slash = reference.indexOf("/");
  const first = slash < 0 ? "" : reference.slice(0, slash);
  if (first !== "" && (first === "localhost" || /[.:]/.test(first))) return reference;
  if (/^(sha256:)?[0-9a-f]{64}$/.test(reference)) return reference; // an image's id
  return slash < 0 ? `docker.io/library/${reference}` : `docker.io/${reference}`;
}
