// What ties a bare member to the others: all of it a master's own, certificates too. Apart from store_member.ts, because a member that is alone has none of it in memory.
import "reflect-metadata";
import { initialCluster } from "../../master/cluster.ts";
import { issuePeer } from "../../master/pki/peer_certificate.ts";
import { openPki } from "../../master/pki/pki.ts";
import type { Peers } from "../../master/store/embedded.ts";
import type { Join } from "../../master/store/recovery.ts";
import { memberUri } from "../../master/store/transport/handshake.ts";
import { createTransport, type TransportNeeds } from "../../master/store/transport/transport.ts";

/** @param list `name=host:port` of each member, this one included */
export async function peersOf(
  list: readonly string[],
  name: string,
  pkiDir: string,
  needs: Pick<TransportNeeds, "clock" | "random" | "log">,
): Promise<{ join: Join; peers: Peers }> {
  const pki = await openPki(pkiDir, [], { mustHaveCa: true });
  const places = list.map((entry) => ({ name: entry.split("=")[0]!, address: entry.split("=")[1]! }));
  const { join, address } = initialCluster(places, name, pki.authority.hash), [host, port] = address.split(":") as [string, string];
  return {
    join,
    peers: {
      connect: async (self, hears) =>
        await createTransport({ ...needs, ...hears }, {
          ...self,
          listen: [{ host, port: Number(port) }],
          address,
          tls: { ca: pki.authority.certificate, ...await issuePeer(pki.ca, memberUri(self)) },
        }),
    },
  };
}
