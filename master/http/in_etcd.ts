// What is asked of a master about its own store, where that is somebody's etcd: it says who is to be asked instead.
import { Hono } from "hono";
import { badRequest } from "../../shared/api/status.ts";
import type { Env } from "./context.ts";

const refusing = (sentence: string): Hono<Env> =>
  new Hono<Env>().all("*", () => {
    throw badRequest(sentence);
  });

export const noMemberRoutes = (): Hono<Env> =>
  refusing(
    "this cluster's state is in etcd (--etcd), where masters come and go by being started and stopped; `etcdctl member` looks after etcd's own members",
  );
export const noSnapshotRoutes = (): Hono<Env> =>
  refusing("this cluster's state is in etcd (--etcd): `etcdctl snapshot save` makes a backup of it");
