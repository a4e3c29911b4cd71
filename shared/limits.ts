// Every bound in the system, each with its unit and its reason. A queue, buffer, retry or body without a line here is a bug.

/** Bytes of one HTTP request body: what Kubernetes accepts, so that whatever fits there fits here. */
export const requestBodyBytes = 3 * 1024 * 1024;
/** Bytes of one stored value: etcd's own limit (1.5 MiB). */
export const storedValueBytes = 1536 * 1024;
/** Bytes of one store key. */
export const storedKeyBytes = 1024;
/** Operations of one store transaction. */
export const transactionOperations = 128;
/** Bytes of one encoded store transaction: two of the largest values and change, well inside one frame of the log. */
export const transactionBytes = 4 * 1024 * 1024;
/** Bytes of live keys and values in the store: all of it is in memory, and a master may be a small board. Deletes still work above it. */
export const storeLiveBytes = 512 * 1024 * 1024;
/** Bytes of superseded values at which the leader compacts before its time: an object rewritten in a loop must not fill the memory. */
export const storeHistoryBytes = 128 * 1024 * 1024;
/** Revisions that automatic compaction keeps at least, and milliseconds between compactions: what a watcher may miss and still resume. */
export const keptRevisions = 10_000;
export const compactionPeriodMs = 5 * 60 * 1000;
/** Leases in the store: each is looked at every second. */
export const storeLeases = 10_000;
/** Seconds that a lease may live: a year, so that sums with it stay exact. */
export const leaseTtlSeconds = 365 * 24 * 3600;
/** Milliseconds after which a watcher that asked for progress hears of revisions that were not its own. */
export const watchProgressMs = 5_000;
/** Items that a long list, and events that a search through history, may take before other work gets its turn (about 1 ms). */
export const storeSliceItems = 2_000;
/** Depth of a JSON or YAML document: deeper than any real object, shallow enough for the stack. */
export const documentDepth = 100;

/** Events a watcher may lag behind before it is served from history. */
export const watchBufferEvents = 1024;
/** Bytes a watcher may lag behind before it is served from history. */
export const watchBufferBytes = 4 * 1024 * 1024;

/** Bytes of one MQTT payload; a larger packet cuts the connection (Deno's TLS client stalls on larger writes). */
export const mqttPayloadBytes = 32 * 1024;
/** Messages a node may send a second, and at once: above that its socket is read more slowly. */
export const nodeMessagesPerSecond = 20;
export const nodeMessageBurst = 100;
/** Levels of an MQTT topic. Ours have at most six. */
export const mqttTopicLevels = 8;
/** Seconds of MQTT keepalive that the broker allows: a sleepy LTE link uses 900. */
export const mqttKeepaliveSeconds = 1200;
/** Milliseconds until a subscriber that does not read is cut. */
export const mqttDrainTimeoutMs = 20_000;
/** Bytes of one part of a desired state on the wire. */
export const putPartBytes = 16 * 1024;
/** Bytes of a delta small enough to travel inside the head. */
export const inlineDeltaBytes = 2048;
/** Renderings the master remembers per node, as bases for deltas. */
export const rememberedRenderings = 8;
/** Milliseconds for which the parts of one rendering can be fetched. */
export const renderingKeptMs = 10 * 60 * 1000;
/** Bytes below which compressing costs more than it saves. */
export const compressFromBytes = 200;
/** Bytes that a compressed message may inflate to. */
export const inflatedBytes = 32 * 1024 * 1024;
/** Sessions (logs, exec …) open on one node at a time. */
export const nodeSessions = 8;
