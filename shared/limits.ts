// Every bound in the system, each with its unit and its reason. A queue, buffer, retry or body without a line here is a bug.

/** Bytes of one HTTP request body: what Kubernetes accepts, so that whatever fits there fits here. */
export const requestBodyBytes = 3 * 1024 * 1024;
/** Bytes of one stored value: etcd's own limit (1.5 MiB). */
export const storedValueBytes = 1536 * 1024;
/** Bytes of one store key. */
export const storedKeyBytes = 1024;
/** Operations of one store transaction. */
export const transactionOperations = 128;
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
/** Watches on the store at a time: its users share theirs, so thousands mean that somebody does not end his. */
export const storeWatchers = 10_000;
/** Milliseconds after which a watcher that asked for progress hears of revisions that were not its own. */
export const watchProgressMs = 5_000;
/** Items that a long list, and events that a search through history, may take before other work gets its turn (about 1 ms). */
export const storeSliceItems = 2_000;
/** Milliseconds that a call to etcd may take over all its tries; one try of a read; and the connection to one endpoint (etcd itself gives up a request after 7 s). */
export const etcdCallMs = 10_000;
export const etcdReadTryMs = 3_000;
export const etcdConnectMs = 2_000;
/** Milliseconds between rounds through the endpoints when none answers, and delays before a broken watch is opened again. */
export const etcdRetryMs = 100;
export const etcdWatchBackoff = { baseMs: 20, capMs: 2_000 } as const;
/** Milliseconds between pings on a connection to etcd in use, and until one must be answered. etcd cuts who pings more often than every 5 s. */
export const etcdPingMs = 10_000;
export const etcdPingTimeoutMs = 3_000;
/** Items that one request to etcd asks for: its answer is one message, and etcd holds all of it in memory. */
export const etcdPageItems = 1_000;
/** Events, and bytes of their values, that a master keeps of what happened in etcd: watches that begin within them cost etcd nothing. */
export const etcdWindowEvents = 10_000;
export const etcdWindowBytes = 64 * 1024 * 1024;
/**
 * How masters that share an etcd show each other that they are there: a lease of so many seconds, milliseconds between its renewals, and from the last one until its
 * holder stops leading by itself, before another begins. And how long one that is gone stays a member, for its nodes and its return.
 */
export const etcdAlive = { ttlSeconds: 10, renewMs: 2_500, endsMs: 8_000 } as const;
export const etcdMember = { ttlSeconds: 24 * 3600, renewMs: 3600_000, endsMs: 23 * 3600_000 } as const;
/** Milliseconds before a session with etcd that has broken is begun anew. */
export const etcdSessionRetryMs = 1_000;

/** Depth of a JSON or YAML document: deeper than any real object, shallow enough for the stack. */
export const documentDepth = 100;

/** Events a watcher may lag behind before it is served from history. */
export const watchBufferEvents = 1024;
/** Bytes a watcher may lag behind before it is served from history. */
export const watchBufferBytes = 4 * 1024 * 1024;

/** Bytes of one MQTT payload; a larger packet cuts the connection (so that one message is little to hold back, and to repeat). */
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
/** Bytes of a delta small enough to travel inside the head: a pod and its token. */
export const inlineDeltaBytes = 4096;
/** Renderings the master remembers per node, as bases for deltas. */
export const rememberedRenderings = 8;
/** Milliseconds for which the parts of one rendering can be fetched. */
export const renderingKeptMs = 10 * 60 * 1000;
/** Bytes below which compressing costs more than it saves. */
export const compressFromBytes = 200;
/** Bytes that a compressed message may inflate to. */
export const inflatedBytes = 32 * 1024 * 1024;
/** Characters of the message of an event that a node sends: as many as Kubernetes takes. */
export const eventMessageCharacters = 1024;
/** Milliseconds between the two looks from which a node reckons what it uses: at least, and at most before it looks twice anew. */
export const usageWindowMs = { least: 1_000, most: 90_000 } as const;
/** Milliseconds for which a node's answer about what it uses is good enough for the next who asks. On a metered link each one costs. */
export const usageKeptMs = { free: 15_000, metered: 60_000 } as const;
/** Milliseconds to wait for that answer, and the bytes it may have: two hundred containers with the longest names. */
export const usageWaitMs = 8_000;
export const usageAnswerBytes = 128 * 1024;
/** Objects whose nodes are asked at a time. */
export const nodesAskedAtOnce = 64;
/** Sessions (logs, exec, attach) open on one node at a time. */
export const nodeSessions = 8;
/** Connections to ports of one node's pods that are forwarded at a time: a browser opens 6 to 20, and each may hold twice its credit on a small board. */
export const nodeForwards = 64;

/** Messages with entries on their way to one Raft member. */
export const inFlightMessages = 256;
/** Bytes of entries on their way to one Raft member. */
export const inFlightBytes = 8 * 1024 * 1024;
/** Bytes of entries in one Raft message: small enough not to hold up the heartbeats behind it. */
export const appendMessageBytes = 1024 * 1024;
/** Bytes of one proposal, and so of one entry of the log: a quarter of a segment holds it with room to spare. */
export const proposalBytes = 4 * 1024 * 1024;
/** Bytes of entries that one write of the log takes along. */
export const groupCommitBytes = 4 * 1024 * 1024;
/** Bytes of entries that wait for commitment before proposals are refused. */
export const uncommittedBytes = 64 * 1024 * 1024;
/** Reads that wait for the leader's word before more are refused. */
export const pendingReads = 65_536;
/** Entries applied before the event loop gets a look at the clock. */
export const applySliceEntries = 256;
/** Milliseconds that the store may hold the event loop in one piece. */
export const storeSliceMs = 5;
/** Entries kept behind a snapshot for members that lag a little, and their bytes. */
export const catchUpEntries = 5_000;
export const catchUpBytes = 16 * 1024 * 1024;
/** Bytes of one segment of the write-ahead log: bounds what a restart copies, and what a lost spare costs. */
export const walSegmentBytes = 16 * 1024 * 1024;
/** Segments written in advance: the next one, and one in reserve, so that on a full disk what frees it again still has a place in the log. */
export const walStockSegments = 2;
/** Delays between looks whether a full disk has room again, and milliseconds between two rounds in which a leader on a full disk asks each other voter to lead. */
export const diskFullBackoff = { baseMs: 1_000, capMs: 15_000 } as const;
export const diskFullHandOverMs = 60_000;
/** Tails cut from the write-ahead log that are kept for inspection. */
export const quarantineFiles = 3;
/** Bytes of one chunk of a snapshot. */
export const snapshotChunkBytes = 256 * 1024;
/** Snapshots kept: the newest, and the one before in case it turns out unreadable. */
export const snapshotsKept = 2;
/** Keys and items of one body, whatever it means: to parse as many takes some 50 ms, in which nothing else happens. */
export const documentValues = 120_000;
/** Keys and items of one object: what reads, checks and compares it takes some microseconds for each. A full EndpointSlice has 15,000. */
export const objectValues = 30_000;
/** Tokens of one YAML document (spaces and line ends are some, too) and its lines: either takes 100 ms. Whoever has more can send JSON, as kubectl does. */
export const yamlTokens = 50_000;
export const yamlLines = 50_000;
/** Problems of one document that are reported: what Kubernetes reports. */
export const reportedProblems = 100;
/** Values that the aliases of one YAML document may stand for, nested ones multiplied; and aliases: for each the document is searched from its beginning. */
export const yamlAliases = 100;
/** Characters of one value, and of one field, that the report of a problem shows. */
export const shownCharacters = 1000;
/** Bytes of all annotations of an object, keys and values: Kubernetes' own limit. */
export const annotationsBytes = 256 * 1024;
/** Characters of one quantity such as 1.5Gi: the most exact one has 32, and longer ones would only cost arithmetic. */
export const quantityCharacters = 64;
/** Characters of a CronJob's schedule: every minute of the hour by name has 170. */
export const scheduleCharacters = 1024;

/** Bytes by which the log of a node's set may outgrow twice the set itself before it is written anew: few, long writes spare the card. */
export const setLogCompactBytes = 256 * 1024;

/** Connections open to Podman at a time: streams (events, pulls, logs) plus one call per pod lane. */
export const podmanConnections = 64;
/** Milliseconds until Podman must have begun to answer a short call: a cold card under load takes 10 s for a create. */
export const podmanHeadTimeoutMs = 60_000;
/** Bytes of one answer of Podman: 5,000 containers in a list are 6 MiB. */
export const podmanReplyBytes = 16 * 1024 * 1024;
/** Inspects of changed containers under way at a time. */
export const podmanInspects = 4;
/** Lists of containers asked for until one is not upset by a container that goes meanwhile. */
export const podmanListTries = 5;
/** Milliseconds between looks at an exec whose streams have ended and whose exit code is not there yet, and how many looks. */
export const execExitPollMs = 20;
export const execExitPolls = 250;

/** Milliseconds an HTTP request may take; watches and followed logs apart. What Kubernetes allows. */
export const requestTimeoutMs = 60_000;
/** Milliseconds of silence after which a watch sends an empty line: half of what makes client-node give up. */
export const watchKeepAliveMs = 15_000;
/** Milliseconds between two bookmarks of a watch that asked for them, as upstream. */
export const watchBookmarkMs = 60_000;
/** Milliseconds a watch lasts at least and at most where the client does not say: spread, so that clients do not come back together. */
export const watchLastsMs = [30 * 60_000, 60 * 60_000] as const;
/** Milliseconds in which a watcher must take one chunk; then its connection is cut. Its lag itself is bounded by watchBuffer…. */
export const watchStallMs = 120_000;
/** Bytes of one chunk of a watch or of a log: what a slow link passes in a few seconds. */
export const streamChunkBytes = 64 * 1024;
/** Bytes above which a list is compressed: below, it costs more than it saves in a LAN. */
export const gzipFromBytes = 128 * 1024;
/** Objects of a list that are shown as a Table (a row takes some 10 µs) before other work gets its turn. */
export const listSliceObjects = 200;
/** Bytes of all Warning headers of one response. */
export const warningBytes = 4096;
/** Objects that one deletecollection deletes at a time. */
export const deleteCollectionBatch = 16;
/** Operations of one JSON patch (what Kubernetes allows) and characters of a field manager's name. */
export const jsonPatchOperations = 10_000;
/** Keys and items that the operations of one JSON patch may compare and move together: 10,000 moves within a list of 10,000 took 200 ms. */
export const jsonPatchWork = 1_000_000;
export const fieldManagerCharacters = 128;
/** Writers of one object that only update, each with fields of its own: upstream's number; of more, the oldest become one. */
export const updateManagers = 10;
/** Writers of one object, those that apply among them: each costs every other's write a look. */
export const fieldManagers = 64;
/** Elements in all sets of fields that a client may say an object has: more than an object may have keys and items is a mistake. */
export const managedFieldsElements = objectValues;
/** Bytes of what opens a session, as JSON: nearly all of it the command line of an exec, which may be a whole script. */
export const sessionOpenBytes = 64 * 1024;
/** Bytes of data in one frame of a session: small, so that control messages get in between. */
export const sessionFrameBytes = 8 * 1024;
/** Bytes that may be on their way to one side of a session before it grants more. */
export const sessionCreditBytes = 64 * 1024;
/** Frames of a session that wait on a device for whoever takes them: credit bounds their bytes, this those that have none. */
export const sessionWaitingFrames = 1024;
/** Milliseconds after which a session in which nothing moves is ended. */
export const sessionIdleMs = 60_000;
/** Records of the kernel's log read in one look; its ring holds fewer on every board. */
export const kernelLogRecords = 20_000;
/** Containers remembered as killed for memory. */
export const rememberedOomKills = 1000;
/** Bytes of all values of a ConfigMap or Secret together: Kubernetes' own limit. */
export const contentsBytes = 1024 * 1024;

/** Writers that may wait for their turn at one object: more than that many at once is a loop gone wild. */
export const writersPerObject = 256;
/** Webhooks in one configuration: each that is asked about a request makes it wait. */
export const webhooksMost = 100;
/** Bytes of a webhook's answer, which may hold a patch of a whole object; warnings of it that are passed on, and characters of each. */
export const webhookAnswerBytes = requestBodyBytes;
export const webhookWarnings = 10;
export const webhookWarningCharacters = 256;
/** Calls of webhooks under way on one master: more wait for so many that hang. Beyond, a call fails at once, as its policy says. */
export const webhookCalls = 512;
/** Conditions of one webhook: upstream's bound. */
export const matchConditions = 64;
/** Milliseconds that all webhooks together may hold up one request. */
export const webhooksTogetherMs = 30_000;
/** Pods that are looked at when a namespace asks more of them, as upstream. */
export const podSecurityPods = 3000;
/** Writers that may wait for their turn at the quotas of one namespace: some thousand pods at once are a large rollout. */
export const quotaWriters = 4096;
/** Attempts to charge quotas that other members charge at the same time: with three masters, every round lets one of them through. */
export const quotaAttempts = 16;
/** Milliseconds after which a quota is counted anew though nothing has been seen to change, as upstream. */
export const quotaRecountMs = 5 * 60_000;
/** Looks for the ServiceAccount "default" of a namespace that may be new, and milliseconds between them: as long as upstream waits. */
export const defaultAccountLooks = 10;
export const defaultAccountPollMs = 100;
/** Attempts to change one object that writers on other members keep changing. */
export const writeAttempts = 5;
/** Names tried for one generateName (KEP-4420). */
export const generatedNames = 8;
/** Seconds an Event is kept: Kubernetes' own default. */
export const eventTtlSeconds = 3600;
/** Keys that share one lease: bounds what one expiry deletes at once (as in apiserver's lease manager). */
export const leaseObjects = 1000;
/** Seconds for which it is known what came of a write with an Idempotency-Key: who asks again later has long given up. */
export const onceSeconds = 24 * 3600;
/** Writes of which that is known, of all users together: some 300 bytes each. */
export const onceNotes = 100_000;
/** Characters of an Idempotency-Key: a UUID has 36. */
export const idempotencyKeyCharacters = 255;
/** Bytes of a process' output held for a reader that is slower than the process. */
export const processBufferBytes = 64 * 1024;

/** Bytes of an MQTT packet around its payload: the longest topic of ours, message id, a will. */
export const mqttHeaderBytes = 1024;
/** Packets of one connection handled at a time, and those that may wait before it has said CONNECT. */
export const mqttConcurrency = 100;
export const mqttQueuedPackets = 42;
/** Milliseconds a connection has until its CONNECT is there. */
export const mqttConnectTimeoutMs = 10_000;
/** Connections to one broker; above that they are closed at once. File descriptors are the limit behind it. */
export const mqttConnections = 16_000;
/** Connections the kernel may hold for us while a fleet comes back. */
export const listenBacklog = 4096;
/** Milliseconds until a Podman service that we started must answer: on a cold SD card it reads its whole store first. */
export const serviceStartMs = 60_000;
/** HTTP connections open at a time on one address: some per node and person, and an end to what one attacker can hold. */
export const httpConnections = 10_000;
/** Bytes of a request's first line and headers: the command of an exec stands in the first line, and characters of a script take up to three bytes there. */
export const httpHeadBytes = 128 * 1024;
/** Milliseconds for a client to send its request's headers, and all of it; and for which an idle connection stays open (longer than a load balancer's 60 s). */
export const httpHeadersTimeoutMs = 20_000;
export const httpRequestTimeoutMs = 120_000;
export const httpKeepAliveMs = 65_000;
/** Milliseconds in which running requests may end when the server stops. */
export const httpDrainMs = 3_000;
/** Proposals of one member that wait for their result. */
export const pendingProposals = 16_384;
/** Bytes of them. */
export const pendingBytes = 64 * 1024 * 1024;
/** Milliseconds after which a proposal of which nothing has come back is made again, to the same leader: long, since an overloaded one must not get everything twice. */
export const proposalRetryMs = 4_000;
/** Milliseconds between comparisons of the members' states, where something was written meanwhile. */
export const attestMs = 5 * 60_000;
/** Processes of which it is remembered what they have proposed: restarts of masters, so years of them. */
export const storeProposers = 1_000;
/** Gaps in the numbers of one process that may still be filled. */
export const proposerGaps = 64;
/** Milliseconds after which a proposal without a result has an unknown outcome, and a read was not confirmed. */
export const proposalTimeoutMs = 10_000;
/** Milliseconds between ticks of the Raft clock: the heartbeat. */
export const raftTickMs = 100;
/** Ticks without a leader before an election, at least; at most twice as many. Below 1 s, a slow disk alone would cause elections. */
export const electionTicks = 10;
/** Milliseconds between two looks of a leader that stops at whether another leads already. */
export const handOverLookMs = 20;
/** Milliseconds that a change of the masters may take before whoever asked is told that nobody knows, and between two looks at whether it is made. */
export const memberChangeTimeoutMs = 10_000;
export const memberChangeLookMs = 20;
/** Milliseconds between two looks of the leader whether who is to replace a master has caught up. */
export const replacementLookMs = 1_000;
/** Milliseconds between two tries of a master to have its address written down. */
export const addressRetryMs = 2_000;
/** Milliseconds after the last write at which the log is sealed. */
export const walSealMs = 1_000;
/** A snapshot is taken after this many entries, or bytes of log, … */
export const snapshotEntries = 50_000;
export const snapshotLogBytes = 64 * 1024 * 1024;
/** … or after this time if at least so many entries came: a quiet cluster must not keep its log for good, nor an idle one write for nothing. */
export const snapshotIntervalMs = 10 * 60 * 1000;
export const snapshotLeastEntries = 1_000;
/** Milliseconds before a snapshot that found the disk full is tried again. */
export const snapshotRetryMs = 60_000;

/** Keys that one controller works on at a time: their writes share an fsync. */
export const controllerParallel = 16;
/** Delays between attempts at a key that fails. */
export const reconcileBackoff = { baseMs: 50, capMs: 60_000 } as const;
/** Events waiting to be written, and events remembered to be counted. */
export const eventsWaiting = 1000;
/** Pods that one controller makes or deletes for one owner in one go. */
export const podBurst = 500;
/** Bytes of a container's log read at a time. */
export const logBlockBytes = 64 * 1024;
/** Bytes of one log entry: conmon splits lines at 8 KiB. */
export const logEntryBytes = 256 * 1024;
/** Milliseconds between looks at a log that somebody follows. */
export const logPollMs = 200;
/** Milliseconds between looks for the log that the engine was told to reopen, and how many looks. */
export const logReopenPollMs = 50;
export const logReopenPolls = 20;
/** Bindings being written at a time. */
export const bindingsAtOnce = 64;
/** Delays between attempts to bind a pod. */
export const scheduleBackoff = { baseMs: 100, capMs: 10_000 } as const;
/** Endpoints in one EndpointSlice, as upstream's controller makes them; and addresses in one Endpoints object. */
export const sliceEndpoints = 100;
export const endpointsAddresses = 1000;

/** Characters of a bearer token that is looked at: ours have about a thousand. */
export const tokenCharacters = 8 * 1024;
/** Seconds by which the clocks of two masters may differ where a token's times are judged, as upstream. */
export const tokenLeewaySeconds = 60;
/** Audiences that one token may be meant for, and one review may ask about: each goes into the token, or the answer. */
export const tokenAudiences = 32;

/** Devices that one join token with counted uses can bring in: their keys stand in the token's Secret. */
export const tokenUses = 1000;
/** Milliseconds for which a join token that has ended is kept: a device that has used it may have lost the answer, and been without power since. */
export const joinTokenKeptMs = 30 * 24 * 3600_000;
/** Bytes of one join request: a certificate request, and some words. */
export const joinBodyBytes = 32 * 1024;
/** Enrolments under way at a time: each costs a signature and four writes. */
export const joinsAtOnce = 64;
/** Days that a node's certificate holds. It is renewed at half. */
export const nodeCertificateDays = 365;
/** Milliseconds for which the hash over a node's state is not written again: it changes with every report, and an old one costs one full report. */
export const stateHashStoredMs = 5_000;
/** Pods and nodes whose reported state is being written at a time: they share an fsync. */
export const intakeParallel = 256;
/** Delays between attempts to write what nodes have reported, or masters tell each other, while the store does not take it. */
export const intakeBackoff = { baseMs: 200, capMs: 10_000 } as const;
/** Events of one node that wait to be written; more are not acknowledged, and come again. */
export const intakeEvents = 500;
/** Delays between heads that a node has not acknowledged. */
export const headBackoff = { baseMs: 10_000, capMs: 5 * 60_000 } as const;
/** Share of the full set above which a delta is not worth it. */
export const deltaShare = 0.6;
/** Bytes of one part of a set for a node that pays for its bytes: little is lost with a broken transfer. */
export const meteredPartBytes = 8 * 1024;
/** Sets that one node is fetching at a time. */
export const nodeTransfers = 2;
/** Milliseconds that rendering may hold the event loop in one piece. */
export const renderSliceMs = 5;
/** Bytes of one message that a client of exec or attach sends in a WebSocket. kubectl sends up to 32 KiB, other clients what they read at once. */
export const streamMessageBytes = 1024 * 1024;
/** Milliseconds that a connection of exec or attach is silent before TCP asks whether the client is still there. */
export const streamAliveMs = 30_000;
/** Bytes of one control frame of SPDY: kubectl's have some fifty. */
export const spdyControlBytes = 16 * 1024;
/** Bytes of the headers of one stream of SPDY, unpacked: kubectl's have some hundred. */
export const spdyHeaderBytes = 16 * 1024;
/** Bytes of data in one frame of SPDY that we send: as much as kubectl sends. */
export const spdyDataBytes = 32 * 1024;
/** Streams open in one connection of SPDY: exec has five, port-forward two for each connection that it forwards. */
export const spdyStreams = 4 * nodeForwards;
/** Milliseconds in which a port of a pod must take a connection; and for which the process that dials in a pod's network stays after its last connection. */
export const dialMs = 5_000;
export const dialerIdleMs = 10_000;
/** Milliseconds after which a port-forward that forwards nothing is closed: upstream's own. */
export const portForwardIdleMs = 4 * 3600_000;
/** Milliseconds that a pod which has ended its side of a forwarded connection may still take what was sent to it: upstream's own. */
export const forwardedLaterMs = 1_000;
/** Bytes that a client may send to one forwarded connection ahead of whoever takes them, before it is read no further: other connections come behind them. */
export const forwardAheadBytes = 256 * 1024;
/** Milliseconds that a client has to begin its streams of SPDY, as upstream. */
export const streamCreationMs = 30_000;
/** Milliseconds that a client has to close its end once it was told how its command ended. */
export const streamCloseMs = 5_000;
/** Milliseconds that a node has to begin with what a session asks of it. */
export const sessionOpenMs = 10_000;

/** Milliseconds of a lost connection before the API says so: links flap, and every word costs a write per pod. */
export const unreachableAfterMs = 10_000;
/** Milliseconds that a master which has just started waits for nodes it knows: their back-off's cap and 1.5 times the longest usual keepalive. */
export const unseenGraceMs = 300_000 + 1.5 * 300_000;
/** Milliseconds without a leader after which a master sends its nodes to another: two election timeouts, and some more for one that fails. */
export const leaderlessMs = 5_000;
/** Milliseconds that a node has to go by itself before its connection is cut. */
export const sendAwayMs = 2_000;
/** Milliseconds in which another master must begin to answer. */
export const elsewhereMs = 15_000;
/** Milliseconds between renewals of a connected node's Lease: it is for reading, not for judging. */
export const leaseRenewMs = 600_000;

/** Delays until a get that was not answered is sent again. */
export const getRetry = { baseMs: 5_000, capMs: 120_000 } as const;
/** Parts of one set that a node takes: 2,048 × 16 KiB is more than it could hold. */
export const putPartsKept = 2048;
/** Bytes of reported states in one message: a payload holds them, with room for the frame around them. */
export const reportBytes = 24 * 1024;
/** Milliseconds until a state that nobody waits for is reported; and until what was not acknowledged is said again. */
export const reportFlushMs = 2_000;
export const reportRepeatMs = 15_000;

/** Delays between a container's end and its next start, and the run after which it counts as sound again: Kubernetes' own. */
export const crashBackoff = { baseMs: 10_000, capMs: 300_000, resetMs: 600_000 } as const;
/** Delays between attempts to pull an image; with jitter, because a whole fleet asks one registry. */
export const imagePullBackoff = { baseMs: 10_000, capMs: 300_000 } as const;
/** Delays between attempts at anything else about a pod that went wrong on its node. */
export const podBackoff = { baseMs: 1_000, capMs: 60_000 } as const;

/** Milliseconds a master has to answer a device that wants to join, bytes of that answer, and delays between attempts. */
export const enrolTimeoutMs = 20_000;
export const joinAnswerBytes = 256 * 1024;
export const enrolBackoff = { baseMs: 1_000, capMs: 60_000 } as const;

/** Delays between sessions of a device: decorrelated, so that a fleet spreads out. */
export const linkBackoff = { baseMs: 1_000, capMs: 300_000 } as const;
/** Session numbers that are reserved by one write to flash: not one by one, cards wear out. */
export const sessionStoredEvery = 64;
/** Milliseconds until a renewal that was not answered is asked for again. */
export const renewRetryMs = 60_000;
/** Objects that one controller deletes at a time: they share an fsync. */
export const deletesAtOnce = 64;
/** Milliseconds for which an eviction that was allowed counts as done, though its pod is not seen to go. */
export const evictionBelievedMs = 2 * 60 * 1000;
/** Evictions in one PodDisruptionBudget that have not been seen yet. */
export const disruptedPods = 2000;
/** Images pulled at a time: a card writes two no faster than one after the other, but a stuck registry must not hold up all. */
export const imagePullsAtOnce = 2;
/** Milliseconds between looks at all of a node's containers when nothing is heard of them. */
export const podResyncMs = 10_000;
/** Bytes kept of a container's last words: Kubernetes' own. */
export const terminationMessageBytes = 4096;
/** Bytes of one generation of a container's log; two are kept. */
export const containerLogBytes = 10 * 1024 * 1024;
/** Probes under way at a time: each exec probe is a process on a small board. */
export const probesAtOnce = 8;
/** Bytes read of what a probe or hook answers. */
export const probeReplyBytes = 10 * 1024;

/** Milliseconds a short program of the machine (nft, ip) may take: 5,000 services are loaded in 3 s on a PC, ten times that on a small board. */
export const commandTimeoutMs = 60_000;
/** Bytes kept of what such a program prints. */
export const commandOutputBytes = 4 * 1024 * 1024;
/** Characters of a refused ruleset that an error shows. */
export const refusedRulesCharacters = 400;
/** Milliseconds between looks whether the service routes are still in the kernel, and between full loads that mend what a look cannot see. */
export const routesCheckMs = 10_000;
export const routesReloadMs = 60 * 60_000;
/** Milliseconds since the last full load before changes by others that do no visible harm cause another. */
export const routesSuspectMs = 60_000;
/** Milliseconds until service routes that the kernel refused are tried again. */
export const routesRetryMs = 5_000;
/** Milliseconds that a superseded chain stays, empty: kernels before 6.2 refuse to delete it in the transaction that takes it out of a map. */
export const staleChainMs = 1_000;
/** Milliseconds of quiet after which changed service routes are written to flash: the desired state is there already, this one only saves time at boot. */
export const routesStoredMs = 60_000;
/** Connections without a connection (UDP) that one change takes out of the kernel's table, one program each. */
export const staleFlows = 256;
/** Bytes held of one line of `nft monitor`. */
export const monitorLineBytes = 64 * 1024;
/** Milliseconds between looks at the bridge of the pods; a pod that starts causes one at once. */
export const bridgeCheckMs = 30_000;
/** Connections that the kernel should be able to track: 320 bytes each, in use. */
export const connectionsTracked = 131_072;
/** Milliseconds that a node must be gone before its pods are: Kubernetes' own. */
export const nodeGoneMs = 40_000;
/** Pods kept that have ended, for their logs' and exit codes' sake: Kubernetes keeps 12,500, a small board has less memory. */
export const finishedPodsKept = 1000;
/** Certificates whose signature need not be checked again: one for each node that can be connected, and some that were renewed. */
export const knownCertificates = 20_000;

/** Milliseconds an API request of the command line may take, and bytes of its answer. */
export const apiTimeoutMs = 30_000;
export const apiAnswerBytes = 64 * 1024 * 1024;
/** Milliseconds a postStart hook may take: a container whose hook hangs would never be told to stop. */
export const postStartMs = 300_000;
/** Milliseconds for which what only saves work after a restart may wait to be written: flash wears. */
export const lazyMemoryMs = 60_000;

/** Events a node keeps while it is cut off, and those it sends in one message. */
export const eventsKept = 1000;
export const eventsInMessage = 20;
/** Milliseconds after its making before a daemon's pod that has failed is made anew. */
export const failedDaemonMs = 10_000;
/** Keys of which a controller remembers its last write before it forgets those that the cache has seen. */
export const keysRemembered = 1000;
/** Images a node tells of: each changes its status when it comes or goes, and the status travels whole. */
export const nodeImages = 20;
/** Pods that one node takes, as in Kubernetes. */
export const podsPerNode = 110;
/** Milliseconds between looks at a node's memory, disk and process ids. */
export const nodeLookMs = 10_000;

/** Emulated devices that join at a time. */
export const enrolmentsAtOnce = 8;
/** Milliseconds between looks whether images fill the disk. */
export const imageCollectionMs = 5 * 60_000;
/** Nodes with room that are compared for one pod: Kubernetes' own least. */
export const nodesCompared = 100;

/** Delays between tellings of the same event; milliseconds of silence after which it is told as a new one; and events remembered for that. */
export const eventInterval = { baseMs: 10_000, capMs: 300_000 } as const;
export const eventSeriesMs = 600_000;
export const eventSeries = 256;

/** Bytes of one frame between masters, checked before anything is allocated: the largest proposal, twice. */
export const peerFrameBytes = 8 * 1024 * 1024;
/** Bytes of a frame before both sides know each other: a hello with a long address, or a refusal with a long sentence. */
export const peerHelloBytes = 2048;
/** Bytes of the address of a member: the longest DNS name, and a port. */
export const peerAddressBytes = 260;
/** Messages and their bytes that wait to be sent to one member on one connection; above that the oldest that Raft may lose goes. */
export const peerQueueMessages = 4096;
export const peerQueueBytes = 16 * 1024 * 1024;
/** Bytes that a socket holds and has not given to the kernel: enough to keep it busy. What waits behind them can still be dropped. */
export const peerSocketBytes = 256 * 1024;
/** Bytes of a payload from which on it is written from where it lies: below, a copy is cheaper than a TLS record of its own. */
export const peerCopyBytes = 16 * 1024;
/** Bytes received that are acknowledged at once; less is acknowledged at the next tick of the Raft clock. */
export const peerAcknowledgeBytes = 64 * 1024;
/** Ticks of the Raft clock without an acknowledgement of what was sent: after so many a ping, after so many the connection is reset, both before an election. */
export const peerPingTicks = 3;
export const peerResetTicks = 6;
/** Ticks between pings that measure the way there and back and show whether an idle connection still lives; and ticks of silence after which who was called gives up. */
export const peerProbeTicks = 10;
export const peerGoneTicks = 100;
/** Milliseconds for TCP, TLS and the hello together. */
export const peerHandshakeMs = 5_000;
/** Delays between attempts to reach a member: it comes back within seconds after a restart, or calls us itself. After a refusal, somebody must act first. */
export const peerBackoff = { baseMs: 50, capMs: 5_000 } as const;
export const peerRefusedBackoff = { baseMs: 1_000, capMs: 30_000 } as const;
/** Connections to the port of the masters at a time: a dozen from each of them, and an end to what a stranger can hold. */
export const peerConnections = 128;
/** Milliseconds for which the same trouble with the same address is not logged again, and how many such are remembered. */
export const peerTroubleMs = 60_000;
export const peerTroubles = 256;
/** Milliseconds that what is queued may take to leave when a master stops. */
export const peerCloseMs = 500;
/** Chunks of a snapshot that are on their way to one member at a time. */
export const snapshotWindow = 4;
/** Snapshots being sent at a time: one for each other member of five. */
export const snapshotsSent = 4;
/** Attempts to fetch a snapshot without a new byte before it is given up; the leader offers it again. */
export const snapshotAttempts = 8;
/** Milliseconds until the next chunk must be there: a slow card reads one in a tenth of that. */
export const snapshotChunkMs = 10_000;

/** Revisions that a restored cluster leaps over: more than any cluster writes between a backup and its end, and a millionth of what there are. */
export const bumpedRevisions = 1_000_000_000;
/** Terms that it leaps over: more elections than those whom it leaves behind will hold before somebody stops them. */
export const newClusterTerms = 1_000;
/** Milliseconds for another master to take a connection before it counts as gone. */
export const goneProbeMs = 3_000;
/** Backups that are read from one master at a time: each holds a file open for as long as its reader takes. */
export const backupsAtOnce = 2;
/** Milliseconds that a master may take to write the snapshot that a backup is read from: half a gigabyte on a slow card. */
export const backupTakenMs = 10 * 60_000;
/** Milliseconds between two lines of progress. */
export const progressMs = 2_000;
/** Seconds that a certificate of a person or program holds at most: it cannot be taken back before. */
export const clientCertificateSeconds = 365 * 24 * 3600;
/** Roles that are missing, as a refusal names them. */
export const missingRoles = 10;
/** Single rights (one verb, one kind, one name) that one write may give away: each is looked for among the writer's own. Of our own roles the largest has some 600. */
export const grantedRights = 10_000;
/** Values of all Impersonate- headers of a request: each is a decision of its own. */
export const impersonatedValues = 200;

/** How many requests of one user, and of all, may wait for their turn: a client with some hundred connections waits, a loop gone wild is sent away. */
export const fairQueue = { queued: 512, queuedInAll: 4096 } as const;
/** Milliseconds that a request waits for its turn: as upstream, a quarter of what it may take. */
export const fairQueueMs = requestTimeoutMs / 4;
/** Requests of nodes that run at a time: they come by HTTP only to join, renew and ask for their own objects. */
export const nodeSeats = 32;
/** Requests of people whom nobody knows that run at a time, that wait, that come a second from one address, and their connections. */
export const unauthenticatedSeats = 8;
export const unauthenticatedQueue = 64;
export const unauthenticatedPerSecond = 50;
export const unauthenticatedConnections = 256;
/** Objects for which a list takes one more seat: it holds the event loop, so a few long ones at a time are plenty. */
export const seatObjects = 50;

/** Steps that looking at one custom resource by its schema may take (some 100 ns each): a large schema and a large object make more work together than either. */
export const validationSteps = 2_000_000;
/** Regular expressions of schemas that are kept compiled. */
export const patternsRemembered = 2_000;
/** Steps of a JSON path. */
export const jsonPathSteps = 64;
/** CustomResourceDefinitions: each is a kind that every member keeps ready, with its OpenAPI document and its rules. */
export const customResourceDefinitions = 1_000;
/** Versions of one definition. */
export const definitionVersions = 32;
/** Schemas within schemas of one version: what a large operator's largest definition has (Prometheus, 10,000), and some. */
export const schemaNodes = 30_000;
/** Levels of schemas within schemas: objects cannot be deeper than a document. */
export const schemaDepth = 64;
/** Fields of a custom resource by which field selectors can name it: they stand in every object's header. */
export const selectableFields = 8;
/** Milliseconds that a watch goes on when its kind has gone: so that it still tells of the last deletions. */
export const watchLingersMs = 300;
/** Milliseconds from which on a request is told of in the log: Kubernetes' promise is one second. */
export const slowRequestMs = 1_000;
/** What all rules of one object may cost together, in nodes of expressions (some 150 ns each, half a second in all on a slow board), and what one definition's may number. */
export const celBudget = 1_000_000;
export const definitionRules = 1_000;
/** Characters of a message that a rule makes: what upstream takes. */
export const messageCharacters = 5_120;
/** Bytes of a body in the audit log (longer ones are left out, and the line says so), and characters of a path, a message or a client's name there. */
export const auditBodyBytes = 64 * 1024;
export const auditTextCharacters = 1024;
/** Bytes of lines that wait for the disk; more are dropped. And milliseconds between two words about that. */
export const auditQueueBytes = 8 * 1024 * 1024;
export const auditTroubleMs = 60_000;
