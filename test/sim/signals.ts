// The runtime keeps what AbortSignal.any() makes alive until one of its sources aborts. In a process that lives for one store that is nothing; here thousands of
// stores die without a word, each with its world hanging on it. So lives end like this instead: the composite hangs on its sources, and goes with them.
AbortSignal.any = (signals: Iterable<AbortSignal>): AbortSignal => {
  const either = new AbortController(), all = [...signals], aborted = all.find((signal) => signal.aborted);
  if (aborted) either.abort(aborted.reason);
  else for (const signal of all) signal.addEventListener("abort", () => either.abort(signal.reason), { once: true });
  return either.signal;
};
